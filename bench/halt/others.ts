/**
 * Sessions that are there beside the one that is stopped, each with a watch of its own, as if each were a
 * process on some other machine. Prints `ready` when all are watched; ends with its standard input.
 *
 *     node others.js URL SESSIONS      with KILLCORD_API_KEY
 */
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { encodeEnvelope } from "@connectrpc/connect/protocol";

const [url = "", count = "0"] = process.argv.slice(2);
const key = process.env.KILLCORD_API_KEY ?? "";
/** Watches on one connection. */
const per_connection = 100;

const connections = Array.from({ length: Math.ceil(Number(count) / per_connection) }, () => connect(url));
for (const connection of connections) {
  const own = Math.min(per_connection, Number(count) - connections.indexOf(connection) * per_connection);
  await Promise.all(Array.from({ length: own }, async () => watch(connection, await start(connection))));
}
console.log("ready");
process.stdin.resume().once("end", () => process.exit(0));

function post(session: ClientHttp2Session, path: string, type: string): ClientHttp2Stream {
  return session.request({
    ":method": "POST",
    ":path": `/killcord.v1.SessionService/${path}`,
    "content-type": type,
    "x-api-key": key,
  });
}

function start(session: ClientHttp2Session): Promise<string> {
  const stream = post(session, "StartSession", "application/json");
  let text = "";
  stream.setEncoding("utf8").on("data", (piece: string) => {
    text += piece;
  });
  stream.end(JSON.stringify({ agent_id: "other" }));
  return new Promise((resolve, reject) => {
    stream.on("error", reject).on("end", () => resolve(JSON.parse(text).session.sessionId));
  });
}

function watch(session: ClientHttp2Session, session_id: string): Promise<void> {
  const stream = post(session, "WatchSession", "application/connect+json");
  stream.end(encodeEnvelope(0, Buffer.from(JSON.stringify({ session_id }))));
  return new Promise((resolve, reject) => {
    stream.on("error", reject).on("data", (piece: Buffer) => {
      if (piece.includes("bookmark")) {
        resolve();
      }
    });
  });
}
