import type { MessageInitShape } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import {
  EnforcementService,
  type InterceptStreamRequestSchema,
  Verdict,
} from "../gen/killcord/v1/enforcement_pb.js";
import { HaltEvidence, HaltPhase } from "../gen/killcord/v1/session_pb.js";

type Said = MessageInitShape<typeof InterceptStreamRequestSchema>;
const { readable, writable } = new TransformStream<Said, Said>();
const writer = writable.getWriter();
const say = (message: NonNullable<Said["message"]>) => void writer.write({ message });
async function* said() {
  yield* readable;
}

const transport = createGrpcTransport({ baseUrl: process.env.KILLCORD_URL ?? "http://127.0.0.1:7411" });
const headers = { "x-api-key": process.env.KILLCORD_API_KEY ?? "" };
const enforcement = createClient(EnforcementService, transport);

say({ case: "open", value: { sessionId: process.argv[2] ?? "" } });
for (const ref of [1, 2, 3]) {
  say({ case: "intercept", value: { ref, action: { actionType: "transfer_funds" } } });
}
for await (const { message } of enforcement.interceptStream(said(), { headers })) {
  if (message.case === "verdict") {
    console.log(message.value.ref, Verdict[message.value.verdict?.decision ?? 0]);
  } else if (message.case === "directive") {
    console.log("stop:", message.value.reason);
    // Here the program ends its work. When that is done, it says so, and the stream ends.
    const { haltId = "" } = message.value;
    const phase = HaltPhase.STOPPED;
    say({ case: "acknowledge", value: { haltId, phase, evidence: HaltEvidence.TASKS_CANCELLED } });
  }
}
