// An agent on @grpc/grpc-js that reads proto/ itself: no generated code and none of Killcord's.
// It takes the steps of test/interop/containment.ts.
import * as grpc from "@grpc/grpc-js";
import { fromJSON, loadSync } from "@grpc/proto-loader";

const definitions = loadSync(
  ["killcord/v1/session.proto", "killcord/v1/enforcement.proto", "google/rpc/error_details.proto"],
  {
    includeDirs: ["proto", "third_party"],
    keepCase: true,
    enums: String,
    longs: Number,
    defaults: true,
    oneofs: true,
  },
);
const { SessionService, EnforcementService } = grpc.loadPackageDefinition(definitions).killcord.v1;
const address = new URL(process.env.KILLCORD_URL).host;
const key = new grpc.Metadata();
key.set("x-api-key", process.env.KILLCORD_API_KEY);
const sessions = new SessionService(address, grpc.credentials.createInsecure());
const enforcement = new EnforcementService(address, grpc.credentials.createInsecure());

const evidence = "HALT_EVIDENCE_TASKS_CANCELLED";
let confirmed;

function say(step, seen) {
  console.log(JSON.stringify({ step, ...seen }));
}

/** A unary call; rejects with its status. */
function call(client, method, request) {
  return new Promise((yes, no) => {
    client[method](request, key, (error, reply) => (error ? no(error) : yes(reply)));
  });
}

/** VERDICT_ALLOW as allow. */
function word(constant, prefix) {
  return constant.slice(prefix.length).toLowerCase();
}

async function intercept(session_id) {
  const request = { session_id, action_type: "transfer_funds", action_content: "pay 5 to 4711" };
  const { decision, stop_reason } = await call(enforcement, "Intercept", request);
  return { verdict: word(decision, "VERDICT_"), stop_reason: word(stop_reason, "STOP_REASON_") };
}

async function start(budgets) {
  const { session } = await call(sessions, "StartSession", { agent_id: "grpc-js", budgets });
  return session.session_id;
}

// google.rpc.Status, which grpc-status-details-bin holds. An Any as a plain message: its bytes stay bytes.
const status = fromJSON(
  {
    nested: {
      Any: { fields: { type_url: { type: "string", id: 1 }, value: { type: "bytes", id: 2 } } },
      Status: {
        fields: {
          code: { type: "int32", id: 1 },
          message: { type: "string", id: 2 },
          details: { rule: "repeated", type: "Any", id: 3 },
        },
      },
    },
  },
  { keepCase: true },
);

function errorInfo(error) {
  const [bytes] = error.metadata.get("grpc-status-details-bin");
  const { details } = status.Status.deserialize(bytes);
  const detail = details.find(({ type_url }) => type_url.endsWith("/google.rpc.ErrorInfo"));
  return definitions["google.rpc.ErrorInfo"].deserialize(detail.value);
}

const bounded = await start({ max_actions: 2 });
const answers = [await intercept(bounded), await intercept(bounded), await intercept(bounded)];
say("budget", { verdicts: answers.map(({ verdict }) => verdict), stop_reason: answers[2].stop_reason });

const watched = await start({ max_actions: 100 });
let state;
for await (const { session } of sessions.WatchSession({ session_id: watched }, key)) {
  if (session && state === undefined) {
    say("watching", { session_id: watched, status: word(session.status, "SESSION_STATUS_") });
  }
  state = session ?? state;
}
const { kill_reason, halt_id } = state;
say("stopped", {
  status: word(state.status, "SESSION_STATUS_"),
  kill_reason,
  stop_reason: word(state.stop_reason, "STOP_REASON_"),
  halt_id,
});
const { verdict } = await intercept(watched);
const stopped = { session_id: watched, halt_id, phase: "HALT_PHASE_STOPPED", evidence };
const acknowledged = await call(sessions, "AcknowledgeHalt", stopped);
say("after", { verdict, status: word(acknowledged.session.status, "SESSION_STATUS_") });

const error = await call(sessions, "KillSession", { session_id: await start({}) }).catch(
  (refusal) => refusal,
);
const { reason, domain } = errorInfo(error);
say("refused", { code: error.code, reason, domain });

const streamed = await start({ max_actions: 100 });
const stream = enforcement.InterceptStream(key);
stream.write({ open: { session_id: streamed } });
stream.write({ intercept: { ref: 7, action: { action_type: "transfer_funds" } } });
for await (const message of stream) {
  if (message.message === "verdict") {
    const { ref, verdict } = message.verdict;
    say("streaming", { session_id: streamed, ref, verdict: word(verdict.decision, "VERDICT_") });
  } else if (message.message === "directive") {
    const { kind, reason, stop_reason, halt_id } = message.directive;
    say("directive", {
      kind: word(kind, "DIRECTIVE_KIND_"),
      reason,
      stop_reason: word(stop_reason, "STOP_REASON_"),
      halt_id,
    });
    stream.write({ acknowledge: { halt_id, phase: "HALT_PHASE_STOPPED", evidence } });
  } else if (message.message === "acknowledged") {
    confirmed = word(message.acknowledged.phase, "HALT_PHASE_");
  }
}
say("confirmed", { phase: confirmed });

sessions.close();
enforcement.close();
