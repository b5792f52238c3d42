/** Clients that can misbehave: bytes on a socket, and streams of one HTTP/2 session. */
import { once } from "node:events";
import { type ClientHttp2Session, connect as connectHttp2, type OutgoingHttpHeaders } from "node:http2";
import { connect, type Socket } from "node:net";

/** An HTTP/1.1 connection. */
export interface Raw {
  readonly socket: Socket;
  write(text: string | Uint8Array): void;
  /** All that has come so far, as soon as `enough` holds for it or the server has closed. */
  until(enough: (text: string) => boolean): Promise<string>;
  /** All that came until the server closed. */
  closed(): Promise<string>;
}

export async function openRaw(port: number): Promise<Raw> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  let text = "";
  let over = false;
  const wake = new Set<() => void>();
  const waken = () => {
    for (const each of wake) {
      each();
    }
  };
  socket.setEncoding("latin1");
  socket.on("data", (chunk: string) => {
    text += chunk;
    waken();
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    over = true;
    waken();
  });
  await once(socket, "connect");
  const until = (enough: (text: string) => boolean) =>
    new Promise<string>((resolve) => {
      const look = () => {
        if (over || enough(text)) {
          wake.delete(look);
          resolve(text);
        }
      };
      wake.add(look);
      look();
    });
  return { socket, write: (bytes) => void socket.write(bytes), until, closed: () => until(() => false) };
}

/** How an HTTP/2 stream ended. */
export interface Reply2 {
  readonly headers: Readonly<Record<string, unknown>>;
  readonly trailers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
  /** The code of the RST_STREAM that ended it, 0 when it ended well. */
  readonly reset: number;
}

export function openHttp2(port: number): ClientHttp2Session {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  return session;
}

/** Sends headers and `body`; with `finish` false the request's end is never sent. */
export function request2(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body: Uint8Array = new Uint8Array(0),
  finish = true,
): Promise<Reply2> {
  const stream = session.request({ ":method": "POST", ...headers }, { endStream: false });
  const chunks: Buffer[] = [];
  let received: Record<string, unknown> = {};
  let trailers: Record<string, unknown> = {};
  stream.on("response", (each) => {
    received = each;
  });
  stream.on("trailers", (each) => {
    trailers = each;
  });
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("error", () => {});
  stream.write(body);
  if (finish) {
    stream.end();
  }
  return new Promise((resolve) =>
    stream.on("close", () =>
      resolve({ headers: received, trailers, body: Buffer.concat(chunks), reset: stream.rstCode }),
    ),
  );
}
