import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { SessionService, SessionStatus } from "../gen/killcord/v1/session_pb.js";

const transport = createGrpcTransport({ baseUrl: process.env.KILLCORD_URL ?? "http://127.0.0.1:7411" });
const headers = { "x-api-key": process.env.KILLCORD_API_KEY ?? "" };
const sessions = createClient(SessionService, transport);
for await (const { update } of sessions.watchSession({ sessionId: process.argv[2] ?? "" }, { headers })) {
  if (update.case === "session") {
    console.log(SessionStatus[update.value.status], update.value.killReason ?? "");
  }
}
