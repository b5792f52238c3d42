/** Joins the port with what answers on it. */
import { limits } from "../limits.js";
import type { Door } from "../services/door.js";
import { answerCors } from "./cors.js";
import { answerHealth, healthMount } from "./health.js";
import { type HttpReply, type HttpRequest, targetOf } from "./http.js";
import type { Log } from "./log.js";
import { doorMounts } from "./mount.js";
import { openPort, type Port, type PortBounds } from "./port.js";
import { type CallBounds, createRpcHandler } from "./routes.js";
import type { TlsIdentity } from "./tls.js";

/** What answers every path that is neither an RPC method nor health. */
export interface RestHandler {
  handle(request: HttpRequest, reply: HttpReply): Promise<void>;
}

/**
 * Opens the server; port 0 takes a free one. Its close() first is no longer ready, then brings the
 * streams to their end, then closes the port as openPort says.
 *
 * @throws {Error} whose message says why the address can't be had and what to do
 */
export async function openServer(options: {
  readonly door: Door;
  readonly rest: RestHandler;
  readonly host: string;
  readonly port: number;
  readonly log: Log;
  /** null serves in the clear. */
  readonly tls?: TlsIdentity | null;
  /** Whose pages may call from a browser, exactly as browsers send them. */
  readonly cors_origins?: ReadonlySet<string>;
  readonly bounds?: PortBounds & CallBounds;
}): Promise<Port> {
  const { door, rest, host, port, log, bounds = limits } = options;
  const { tls = null, cors_origins = new Set() } = options;
  let draining = false;
  const health = { services: door.services, ready: () => !draining && door.ready() };
  const mounts = [...doorMounts(door), healthMount(health)];
  const rpc = createRpcHandler({ mounts, authenticate: door.authenticate, log, bounds });

  const dispatch = async (request: HttpRequest, reply: HttpReply): Promise<void> => {
    if (answerCors(request, reply, cors_origins)) {
      return;
    }
    const { path } = targetOf(request);
    if (path === "/healthz" || path === "/readyz") {
      answerHealth(health, path, request, reply);
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
  const opened = await openPort({ host, port, handler, tls, bounds });
  return {
    address: opened.address,
    renew: opened.renew,
    close(grace_ms) {
      draining = true;
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
