import { create, type Message } from "@bufbuild/protobuf";
import { CredentialService } from "../../gen/killcord/v1/credential_pb.js";
import { EnforcementService } from "../../gen/killcord/v1/enforcement_pb.js";
import { KeyService } from "../../gen/killcord/v1/key_pb.js";
import { SessionService } from "../../gen/killcord/v1/session_pb.js";
import { VaultService } from "../../gen/killcord/v1/vault_pb.js";
import { limits } from "../../src/limits.js";
import { createRestHandler, type RestBounds } from "../../src/rest/transcoder.js";
import { openPort } from "../../src/rpc/port.js";
import type { CallLine, Log } from "../../src/services/call-log.js";
import { keyFromHeaders } from "../../src/services/credentials-header.js";
import type { Door } from "../../src/services/door.js";
import { KillcordError } from "../../src/services/errors.js";
import { Room } from "../../src/services/room.js";

/** The five services, as the product has them. */
export const services = [SessionService, EnforcementService, CredentialService, VaultService, KeyService];

/** The one key that the door below takes. */
export const good_key = "kc_test";

/** A call that reached the door. */
export interface SeenCall {
  readonly method: string;
  readonly request: Message;
  readonly request_id: string;
  readonly signal: AbortSignal;
}

/** A door of this test's own: it keeps what it was asked and answers what the test says. */
export interface TestDoor extends Door {
  readonly seen: SeenCall[];
  /** Answers a call; without it every reply is empty. */
  onCall: ((...call: Parameters<Door["unary"]>) => Promise<Message>) | undefined;
  /** Answers a call of a stream; without it a stream is a fault. */
  onStream: Door["stream"] | undefined;
}

export function createTestDoor(room = new Room()): TestDoor {
  const door: TestDoor = {
    services,
    room,
    seen: [],
    onCall: undefined,
    onStream: undefined,
    authenticate(header) {
      const key = keyFromHeaders(header);
      if (key !== good_key) {
        throw new KillcordError("invalid_api_key", "this key is not known");
      }
      return { key_id: "key_0000000000000001", role: "admin" };
    },
    async unary(method, request, call) {
      door.seen.push({ method: method.name, request, request_id: call.request_id, signal: call.signal });
      return door.onCall === undefined ? create(method.output) : door.onCall(method, request, call);
    },
    stream(method, request, call) {
      door.seen.push({ method: method.name, request, request_id: call.request_id, signal: call.signal });
      if (door.onStream === undefined) {
        throw new Error("REST asked for a stream");
      }
      return door.onStream(method, request, call);
    },
    // biome-ignore lint/correctness/useYield: likewise.
    async *duplex() {
      throw new Error("REST asked for a stream");
    },
    unready: () => [],
  };
  return door;
}

/** One line of the log. */
export type Line = CallLine & { readonly code: string; readonly err?: unknown };

/** The handler behind the real port, which speaks both HTTP versions. */
export interface Served {
  readonly door: TestDoor;
  readonly port: number;
  /** What was logged of calls. */
  readonly lines: Line[];
  /** What was logged as a fault. */
  readonly faults: Line[];
  /** Brings the streams to their end. */
  drain(): void;
  /** How many sockets are open. */
  connections(): number;
  close(): Promise<void>;
}

export async function serve(bounds: Partial<RestBounds> = {}, room = new Room()): Promise<Served> {
  const door = createTestDoor(room);
  const lines: Line[] = [];
  const faults: Line[] = [];
  const note = (fields: Line) => void lines.push(fields);
  const log = { debug: note, info: note, error: (fields: Line) => void faults.push(fields) } as Log;
  const rest = createRestHandler(door, log, { bounds: { ...limits, ...bounds } });
  const port = await openPort({
    host: "127.0.0.1",
    port: 0,
    handler: (req, res) => void rest.handle(req, res),
    bounds: { ...limits, remains_ms: 10 },
  });
  return {
    door,
    lines,
    faults,
    drain: () => rest.drain(),
    port: port.address.port,
    connections: port.connections,
    close: () => port.close(0),
  };
}
