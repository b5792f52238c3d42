/**
 * The static log over HTTP (vault-format.md, 6), for any C2SP client: `/log/checkpoint`,
 * `/log/tile/…`. It needs the key of somebody who may see checkpoints, unless the log is public.
 */
import { VaultService } from "../../gen/killcord/v1/vault_pb.js";
import { limits } from "../limits.js";
import { type CountRefusal, type Log, latencySince, logCall } from "../services/call-log.js";
import type { Door } from "../services/door.js";
import { KillcordError } from "../services/errors.js";
import { requestId } from "../services/request-id.js";
import { headerOf, type Incoming, type Outgoing, type Reply } from "./exchange.js";
import { sendReply } from "./send-reply.js";
import { errorReply, refusalOf } from "./status.js";
import type { RestHandler } from "./transcoder.js";
import { cutQuery } from "./trie.js";

/** The log that is shown. */
export interface ShownLog {
  /** A file by its path below `/log/`, or null when the log shows none of that name. */
  file(path: string): Promise<Uint8Array | null>;
  /** Whether it is shown without a key: it holds hashes and signatures, no content. */
  readonly is_public: boolean;
}

const prefix = "/log/";

/** Answers what is below `/log/`, and leaves the rest to `rest`. */
export function withStaticLog(
  rest: RestHandler,
  door: Door,
  shown: ShownLog,
  log: Log,
  countRefusal: CountRefusal = () => {},
): RestHandler {
  async function answer(req: Incoming, request_id: string): Promise<Reply> {
    if (req.method !== "GET") {
      throw new KillcordError("method_not_allowed", `${req.method} is not allowed here`);
    }
    if (!shown.is_public) {
      door.authenticate((name) => headerOf(req, name), VaultService.method.getCheckpoint);
    }
    const path = cutQuery(req.url ?? "").slice(prefix.length);
    const bytes = await shown.file(path);
    if (bytes === null) {
      throw new KillcordError("route_not_found", "the static log has no such file");
    }
    return { status: 200, headers: headersOf(path, shown.is_public, request_id), body: bytes };
  }

  return {
    drain: () => rest.drain(),
    streams: () => rest.streams(),
    async handle(req: Incoming, res: Outgoing): Promise<void> {
      if (!(req.url ?? "").startsWith(prefix)) {
        return rest.handle(req, res);
      }
      const received_ms = performance.now();
      const request_id = requestId(headerOf(req, "x-request-id"));
      let reply: Reply;
      let thrown: unknown;
      try {
        reply = await answer(req, request_id);
      } catch (error) {
        thrown = error;
        reply = refusal(error, request_id);
      }
      const sent = sendReply({ req, res, request_id }, reply, limits);
      const line = {
        request_id,
        door: "rest",
        method: "GET /log/",
        latency_ms: latencySince(received_ms),
      } as const;
      logCall(log, line, thrown, countRefusal);
      await sent;
    },
  };
}

function headersOf(path: string, is_public: boolean, request_id: string): ReadonlyMap<string, string> {
  const is_checkpoint = path === "checkpoint";
  // A full tile never changes; a partial one makes way for the full one some day.
  const age = is_checkpoint
    ? "max-age=1"
    : path.includes(".p/")
      ? "max-age=3600"
      : "max-age=31536000, immutable";
  return new Map([
    ["x-request-id", request_id],
    ["content-type", is_checkpoint ? "text/plain; charset=utf-8" : "application/octet-stream"],
    // What was shown to the holder of a key is for no cache that others ask.
    ["cache-control", `${is_public ? "public" : "private"}, ${age}`],
  ]);
}

/** Anything but a refusal is a fault of ours, of which the caller learns nothing but its request id. */
function refusal(error: unknown, request_id: string): Reply {
  const refused = error instanceof KillcordError ? refusalOf(error) : null;
  const { status, headers, body } = errorReply(refused, request_id);
  return {
    status,
    headers: new Map([
      ...headers,
      ...(error instanceof KillcordError && error.code === "method_not_allowed"
        ? [["allow", "GET"] as const]
        : []),
      ["content-type", "application/json; charset=utf-8"],
      ["cache-control", "no-store"],
      ["x-request-id", request_id],
    ] as const),
    body: JSON.stringify(body),
  };
}
