/** Joins the port with what answers on it. */
import { limits } from "../limits.js";
import type { Door } from "../services/door.js";
import { answerHealth, healthMount } from "./health.js";
import { type HttpReply, type HttpRequest, targetOf } from "./http.js";
import type { Log } from "./log.js";
import { doorMounts } from "./mount.js";
import { openPort, type Port, type PortBounds } from "./port.js";
import { type CallBounds, createRpcHandler } from "./routes.js";

/** What answers every path that is neither an RPC method nor health. */
export interface RestHandler {
  handle(request: HttpRequest, reply: HttpReply): Promise<void>;
}

/**
 * Opens the server; port 0 takes a free one. Its close() first brings the streams to their end, then
 * closes the port as openPort says.
 *
 * @throws {Error} whose message says why the address can't be had and what to do
 */
export async function openServer(options: {
  readonly door: Door;
  readonly rest: RestHandler;
  readonly host: string;
  readonly port: number;
  readonly log: Log;
  readonly bounds?: PortBounds & CallBounds;
}): Promise<Port> {
  const { door, rest, host, port, log, bounds = limits } = options;
  const mounts = [...doorMounts(door), healthMount(door)];
  const rpc = createRpcHandler(mounts, door.authenticate, log, bounds);

  const dispatch = async (request: HttpRequest, reply: HttpReply): Promise<void> => {
    const { path } = targetOf(request);
    if (path === "/healthz" || path === "/readyz") {
      answerHealth(door, path, request, reply);
    } else {
      await (rpc.match(path) ? rpc : rest).handle(request, reply);
    }
  };
  const handler = (request: HttpRequest, reply: HttpReply): void => {
    dispatch(request, reply).catch((error: unknown) => {
      log.error({ err: error }, "a request was dropped by a fault of the server");
      breakOff(reply);
    });
  };
  const opened = await openPort({ host, port, handler, bounds });
  return {
    address: opened.address,
    close(grace_ms) {
      rpc.drain();
      return opened.close(grace_ms);
    },
  };
}

function breakOff(reply: HttpReply): void {
  if (reply.headersSent) {
    reply.destroy();
  } else {
    reply.statusCode = 500;
    reply.end();
  }
}
