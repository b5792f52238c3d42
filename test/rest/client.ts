import { request } from "node:http";
import { connect } from "node:http2";
import { connect as connectSocket, type Socket } from "node:net";
import type { Served } from "./serve.js";

/** A request of a test. */
export interface Sent {
  method?: string;
  path: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
}

/** A reply, its JSON parsed. */
export interface Received {
  status: number;
  headers: Record<string, string | undefined>;
  text: string;
  json: {
    ok: boolean;
    error?: { code: string; message: string; request_id: string; details?: object[] };
  } & Record<string, unknown>;
}

/** The two ways to the same handler. */
export const versions: [string, (served: Served, sent: Sent) => Promise<Received>][] = [
  ["HTTP/1.1", (served, sent) => sendHttp1(served.port, sent)],
  ["HTTP/2", (served, sent) => sendHttp2(served.port, sent)],
];

function received(status: number, headers: object, chunks: Buffer[]): Received {
  const text = Buffer.concat(chunks).toString();
  return {
    status,
    headers: headers as Received["headers"],
    text,
    json: text === "" ? {} : JSON.parse(text),
  } as Received;
}

/** One request on a connection of its own. */
export function sendHttp1(port: number, sent: Sent): Promise<Received> {
  return new Promise((resolve, reject) => {
    const { method = "GET", path, body = "" } = sent;
    const length = Buffer.byteLength(body);
    // Said aloud, because node:http frames the body of a GET in no way at all.
    const headers = { ...sent.headers, ...(length === 0 ? {} : { "Content-Length": String(length) }) };
    const req = request({ host: "127.0.0.1", port, method, path, headers, agent: false }, (res) => {
      const chunks: Buffer[] = [];
      res.on("data", (chunk: Buffer) => chunks.push(chunk));
      res.on("end", () => resolve(received(res.statusCode ?? 0, res.headers, chunks)));
      res.on("error", reject);
    });
    req.on("error", reject);
    req.end(body);
  });
}

function sendHttp2(port: number, sent: Sent): Promise<Received> {
  const { method = "GET", path, headers = {}, body = "" } = sent;
  return new Promise((resolve, reject) => {
    const session = connect(`http://127.0.0.1:${port}`);
    session.on("error", reject);
    const stream = session.request(
      { ":method": method, ":path": path, ...lowerCased(headers) },
      { endStream: false },
    );
    const chunks: Buffer[] = [];
    let status = 0;
    let reply_headers = {};
    stream.on("response", (head) => {
      status = head[":status"] ?? 0;
      reply_headers = head;
    });
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", reject);
    stream.on("end", () => {
      resolve(received(status, reply_headers, chunks));
      session.close();
    });
    stream.end(body);
  });
}

function lowerCased(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** A connection on which bytes are sent as they are. */
export class RawConnection {
  readonly socket: Socket;
  text = "";
  ended = false;
  #wake: () => void = () => undefined;

  constructor(port: number) {
    this.socket = connectSocket({ port, host: "127.0.0.1", allowHalfOpen: true });
    this.socket.on("data", (chunk) => {
      this.text += chunk.toString("latin1");
      this.#wake();
    });
    for (const event of ["end", "error", "close"]) {
      this.socket.on(event, () => {
        this.ended = true;
        this.#wake();
      });
    }
  }

  write(text: string | Uint8Array): void {
    this.socket.write(text);
  }

  /** Waits for text that matches, or for the end of the connection. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.text)) {
      if (this.ended) {
        throw new Error(`the connection ended after ${JSON.stringify(this.text)}`);
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.text;
  }

  /** Waits until the server has ended the connection. */
  async untilEnd(): Promise<void> {
    while (!this.ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
