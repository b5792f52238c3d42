/** What a port answers while the log is still replayed: that the server lives, and that it is not ready. */
import type { Reason } from "../services/door.js";
import { KillcordError } from "../services/errors.js";
import { requestId } from "../services/request-id.js";
import { toConnectError } from "./error.js";
import { answerHealth } from "./health.js";
import { type HttpHandler, type HttpReply, type HttpRequest, headerOf, targetOf } from "./http.js";
import { openPort, type Port } from "./port.js";
import { protocolOf } from "./protocol.js";
import { refuse } from "./refuse.js";

/** A port that is open, and to which what answers on it comes later. */
export interface StartingPort extends Port {
  /** From now on `handler` answers. */
  serve(handler: HttpHandler): void;
}

/**
 * Opens a port before there is anything to serve: so an address that can't be had is known before
 * the work of a start, and who asks for the health gets an answer.
 *
 * @throws {Error} as openPort does
 */
export async function openStartingPort(
  options: Omit<Parameters<typeof openPort>[0], "handler">,
): Promise<StartingPort> {
  let answer: HttpHandler = answerStarting;
  const port = await openPort({ ...options, handler: (request, reply) => answer(request, reply) });
  const serve = (handler: HttpHandler) => {
    answer = handler;
  };
  return { ...port, serve };
}

const starting: Reason = { code: "starting", message: "the log is replayed before commands are taken" };

const retry_after_ms = 1000;

function answerStarting(request: HttpRequest, reply: HttpReply): void {
  const { path } = targetOf(request);
  const request_id = requestId(headerOf(request, "x-request-id"));
  reply.setHeader("x-request-id", request_id);
  if (path === "/healthz" || path === "/readyz") {
    answerHealth({ unready: () => [starting] }, path, request, reply);
    return;
  }
  const text = "the server is starting: nothing was decided, ask again in a moment";
  const error = new KillcordError("unavailable", text, { retry_after_ms });
  const protocol = protocolOf(request, null);
  reply.setHeader("retry-after", String(retry_after_ms / 1000));
  if (protocol !== null && !path.startsWith("/v1/") && !path.startsWith("/api/")) {
    refuse(reply, protocol, toConnectError(error));
    return;
  }
  // The envelope of REST, whose own code needs routes to be there.
  const body = { ok: false, error: { code: error.code, message: text, request_id } };
  reply.statusCode = 503;
  reply.setHeader("content-type", "application/json; charset=utf-8");
  reply.end(JSON.stringify(body));
}
