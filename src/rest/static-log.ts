/**
 * The static log over HTTP (vault-format.md, 6), for any C2SP client: `/log/checkpoint`,
 * `/log/tile/…`. It needs the key of somebody who may see checkpoints, unless the log is public.
 */
import { VaultService } from "../../gen/killcord/v1/vault_pb.js";
import { limits } from "../limits.js";
import type { Door } from "../services/door.js";
import { KillcordError } from "../services/errors.js";
import { requestId } from "../services/request-id.js";
import { headerOf, type Incoming, type Outgoing, type Reply, sendReply } from "./exchange.js";
import { errorReply, refusalOf } from "./status.js";
import type { RestHandler, RestLog } from "./transcoder.js";
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
export function withStaticLog(rest: RestHandler, door: Door, shown: ShownLog, log: RestLog): RestHandler {
  async function answer(req: Incoming): Promise<Reply> {
    if (req.method !== "GET") {
      const error = new KillcordError("method_not_allowed", `${req.method} is not allowed here`);
      return refused(error, req, { allow: "GET" });
    }
    if (!shown.is_public) {
      door.authenticate((name) => headerOf(req, name), VaultService.method.getCheckpoint);
    }
    const path = cutQuery(req.url ?? "").slice(prefix.length);
    const bytes = await shown.file(path);
    if (bytes === null) {
      const error = new KillcordError("route_not_found", "the static log has no such file");
      return refused(error, req);
    }
    return { status: 200, headers: headersOf(path, bytes, shown.is_public), body: bytes };
  }

  return {
    async handle(req: Incoming, res: Outgoing): Promise<void> {
      if (!(req.url ?? "").startsWith(prefix)) {
        return rest.handle(req, res);
      }
      const request_id = requestId(headerOf(req, "x-request-id"));
      let reply: Reply;
      try {
        reply = await answer(req);
      } catch (thrown) {
        if (!(thrown instanceof KillcordError)) {
          log.error({ request_id, err: thrown }, "a file of the static log could not be read");
        }
        reply = refused(thrown instanceof KillcordError ? thrown : null, req);
      }
      sendReply({ req, res, request_id }, reply, limits);
    },
  };
}

function headersOf(path: string, bytes: Uint8Array, is_public: boolean): ReadonlyMap<string, string> {
  const is_checkpoint = path === "checkpoint";
  // A full tile never changes; a partial one makes way for the full one some day.
  const age = is_checkpoint
    ? "max-age=1"
    : path.includes(".p/")
      ? "max-age=3600"
      : "max-age=31536000, immutable";
  return new Map([
    ["content-type", is_checkpoint ? "text/plain; charset=utf-8" : "application/octet-stream"],
    ["content-length", String(bytes.length)],
    // What was shown to the holder of a key is for no cache that others ask.
    ["cache-control", `${is_public ? "public" : "private"}, ${age}`],
  ]);
}

function refused(
  error: KillcordError | null,
  req: Incoming,
  more: Readonly<Record<string, string>> = {},
): Reply {
  const request_id = requestId(headerOf(req, "x-request-id"));
  const { status, headers, body } = errorReply(error === null ? null : refusalOf(error), request_id);
  return {
    status,
    headers: new Map([
      ...headers,
      ...Object.entries(more),
      ["content-type", "application/json; charset=utf-8"],
      ["cache-control", "no-store"],
      ["x-request-id", request_id],
    ] as const),
    body: JSON.stringify(body),
  };
}
