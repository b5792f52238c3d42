/** A server on a free port with a door that the test writes. */
import { pino } from "pino";
import { limits } from "../../src/limits.js";
import type { PortBounds } from "../../src/rpc/port.js";
import type { CallBounds } from "../../src/rpc/routes.js";
import { openServer, type RestHandler } from "../../src/rpc/server.js";
import type { TlsIdentity } from "../../src/rpc/tls.js";
import type { Room } from "../../src/services/room.js";
import { type FakeDoor, openFakeDoor } from "./fake-door.js";

/** A running server, its door, and the lines that it logged. */
export interface Running {
  readonly door: FakeDoor;
  readonly port: number;
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly lines: Record<string, unknown>[];
  close(grace_ms?: number): Promise<void>;
  renew(identity: TlsIdentity): void;
}

/** Starts one; `bounds` replaces some of the limits, so that no test waits for real ones. */
export async function start(
  bounds: Partial<PortBounds & CallBounds> = {},
  more: {
    readonly tls?: TlsIdentity;
    readonly cors_origins?: ReadonlySet<string>;
    readonly reflection?: boolean;
    readonly room?: Room;
  } = {},
): Promise<Running> {
  const door = openFakeDoor(more.room);
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: "debug" }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const server = await openServer({
    door,
    rest,
    host: "127.0.0.1",
    port: 0,
    log,
    bounds: { ...limits, ...bounds },
    ...more,
  });
  const { port } = server.address;
  const url = `http://127.0.0.1:${port}`;
  return { door, port, url, lines, close: (grace_ms = 0) => server.close(grace_ms), renew: server.renew };
}

const rest: RestHandler = {
  async handle(request, reply) {
    reply.statusCode = 404;
    reply.end(`rest ${request.url}`);
  },
};
