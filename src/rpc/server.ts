/** Joins the port with what answers on it. */
import { limits } from "../limits.js";
import type { CountRefusal, Log } from "../services/call-log.js";
import type { Door, Reason, Warning } from "../services/door.js";
import { requestId } from "../services/request-id.js";
import { answerCors } from "./cors.js";
import { answerHealth, healthMount } from "./health.js";
import { type HttpReply, type HttpRequest, headerOf, targetOf } from "./http.js";
import { doorMounts } from "./mount.js";
import type { Port, PortBounds } from "./port.js";
import { reflectionMounts } from "./reflection-mount.js";
import { type CallBounds, createRpcHandler } from "./routes.js";
import { openStartingPort, type StartingPort } from "./starting.js";
import type { TlsIdentity } from "./tls.js";

/** What answers every path that is neither an RPC method nor health. */
export interface RestHandler {
  handle(request: HttpRequest, reply: HttpReply): Promise<void>;
  /** Brings its streams to their end, if it has any: the server is about to stop. */
  drain?(): void;
  /** How many of them are under way. */
  streams?(): number;
}

/** A port with the calls on it. */
export interface Server extends Port {
  /** How many streaming calls are under way. */
  streams(): number;
  /** Every reason why calls are not taken; none when all is well. */
  unready(): readonly Reason[];
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
  /** A port that is open already, in place of one of that address. */
  readonly opened?: StartingPort;
  readonly log: Log;
  /** null serves in the clear. */
  readonly tls?: TlsIdentity | null;
  /** Whose pages may call from a browser, exactly as browsers send them. */
  readonly cors_origins?: ReadonlySet<string>;
  readonly bounds?: PortBounds & CallBounds;
  readonly countRefusal?: CountRefusal;
  /** What somebody should see to although calls are taken. */
  readonly warnings?: () => readonly Warning[];
  /** Whether clients may ask what services there are; they may unless this says no. */
  readonly reflection?: boolean;
}): Promise<Server> {
  const { door, rest, host, port, log, bounds = limits } = options;
  const { tls = null, cors_origins = new Set(), reflection = true } = options;
  let is_draining = false;
  const unready = () => (is_draining ? [draining_reason] : door.unready());
  const served = [...doorMounts(door), healthMount({ services: door.services, unready })];
  const reflected = reflection ? reflectionMounts(served.map(({ service }) => service)) : [];
  const rpc = createRpcHandler({
    mounts: [...served, ...reflected],
    authenticate: door.authenticate,
    log,
    bounds,
    room: door.room,
    ...(options.countRefusal === undefined ? {} : { countRefusal: options.countRefusal }),
  });

  const dispatch = async (request: HttpRequest, reply: HttpReply): Promise<void> => {
    if (answerCors(request, reply, cors_origins)) {
      return;
    }
    const { path } = targetOf(request);
    if (path === "/healthz" || path === "/readyz") {
      reply.setHeader("x-request-id", requestId(headerOf(request, "x-request-id")));
      answerHealth({ unready, warnings: options.warnings }, path, request, reply);
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
  const opened = options.opened ?? (await openStartingPort({ host, port, tls, bounds }));
  opened.serve(handler);
  return {
    ...opened,
    streams: () => rpc.streams() + (rest.streams?.() ?? 0),
    unready,
    close(grace_ms) {
      is_draining = true;
      rpc.drain();
      rest.drain?.();
      return opened.close(grace_ms);
    },
  };
}

const draining_reason: Reason = { code: "draining", message: "the server is about to stop" };

function breakOff(reply: HttpReply): void {
  if (reply.headersSent) {
    reply.destroy();
  } else {
    reply.statusCode = 500;
    reply.end();
  }
}
