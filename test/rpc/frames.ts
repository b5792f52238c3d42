/** HTTP/2 by hand (RFC 9113), for clients that no library would let misbehave. */
import { connect, type Socket } from "node:net";

/** Types of frames. */
export const frame_types = {
  data: 0,
  headers: 1,
  priority: 2,
  rst_stream: 3,
  settings: 4,
  push_promise: 5,
  ping: 6,
  goaway: 7,
  window_update: 8,
  continuation: 9,
} as const;

export const end_stream = 0x1;
export const ack = 0x1;
export const end_headers = 0x4;

export function frame(
  type: keyof typeof frame_types,
  flags: number,
  stream: number,
  payload: Uint8Array = new Uint8Array(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.byteLength, 0, 3);
  head[3] = frame_types[type];
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Headers as HPACK literals that no table remembers (RFC 7541, 6.2.2). */
export function headerBlock(headers: Readonly<Record<string, string>>): Buffer {
  const parts = Object.entries(headers).flatMap(([name, value]) => [
    Buffer.from([0]),
    ...literal(name),
    ...literal(value),
  ]);
  return Buffer.concat(parts);
}

function literal(text: string): readonly Buffer[] {
  const bytes = Buffer.from(text, "latin1");
  let rest = bytes.length - 127;
  if (rest < 0) {
    return [Buffer.from([bytes.length]), bytes];
  }
  const length = [127];
  for (; rest >= 128; rest >>= 7) {
    length.push((rest & 127) | 128);
  }
  return [Buffer.from([...length, rest]), bytes];
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A frame that came. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** A connection past its preface. */
export interface Framed {
  readonly socket: Socket;
  readonly frames: readonly Frame[];
  readonly closed: boolean;
  /** Resolves when the bytes have left, or can't any more. */
  send(...frames: readonly Uint8Array[]): Promise<void>;
  /** The first frame that fits, of those that came and will come; null when the server closes before. */
  wanted(fits: (frame: Frame) => boolean): Promise<Frame | null>;
  /** The code of the GOAWAY that ends the connection; null when it just ends. */
  ended(): Promise<number | null>;
}

/** Connects and sends the preface with empty settings; answers pings. */
export function openFrames(port: number): Framed {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  const frames: Frame[] = [];
  const listeners = new Set<() => void>();
  let bytes = Buffer.alloc(0);
  let closed = false;
  const tell = () => {
    for (const listener of listeners) {
      listener();
    }
  };
  socket.on("data", (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= 9 && bytes.length >= 9 + bytes.readUIntBE(0, 3)) {
      const length = bytes.readUIntBE(0, 3);
      const [type = 0, flags = 0] = bytes.subarray(3, 5);
      const payload = bytes.subarray(9, 9 + length);
      frames.push({ type, flags, stream: bytes.readUInt32BE(5), payload });
      if (type === frame_types.ping && flags !== ack) {
        socket.write(frame("ping", ack, 0, payload));
      }
      bytes = bytes.subarray(9 + length);
    }
    tell();
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    closed = true;
    tell();
  });
  const until = (done: () => boolean) =>
    new Promise<void>((resolve) => {
      const listener = () => {
        if (done() || closed) {
          listeners.delete(listener);
          resolve();
        }
      };
      listeners.add(listener);
      listener();
    });
  socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  socket.write(frame("settings", 0, 0));
  return {
    socket,
    frames,
    get closed() {
      return closed;
    },
    send: (...sent) =>
      new Promise((resolve) => {
        socket.once("close", resolve);
        socket.write(Buffer.concat(sent), () => {
          socket.off("close", resolve);
          resolve();
        });
      }),
    async wanted(fits) {
      await until(() => frames.some(fits));
      return frames.find(fits) ?? null;
    },
    async ended() {
      await until(() => closed);
      const last = frames.findLast(({ type }) => type === frame_types.goaway);
      return last === undefined ? null : last.payload.readUInt32BE(4);
    },
  };
}
