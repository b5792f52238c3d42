/** A receiver of webhooks on a free port of this machine, which answers as a test says. */
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Received {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export type Answer = (received: Received, reply: ServerResponse, tries: number) => void;

export const taken: Answer = (_, reply) => reply.writeHead(204).end();

export class Receiver {
  /** Everything that came, in order. */
  readonly received: Received[] = [];
  answer: Answer = taken;
  readonly #server = createServer((request, reply) => void this.#take(request, reply));
  readonly #waiting = new Set<() => void>();

  /** @param port a free one when absent */
  async open(port = 0): Promise<this> {
    this.#server.listen(port, "127.0.0.1");
    await once(this.#server, "listening");
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hook`;
  }

  /** What every message tells, by its id, in the order of the first time that it came. */
  get told(): readonly Record<string, unknown>[] {
    const messages = new Map(this.received.map(({ headers, body }) => [headers["killcord-event-id"], body]));
    return [...messages.values()].map((body) => JSON.parse(body));
  }

  /** Resolves when something holds of what has come. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  async #take(request: IncomingMessage, reply: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) {
      chunks.push(chunk);
    }
    const { headers, url = "" } = request;
    const received = { path: url, headers, body: Buffer.concat(chunks).toString() };
    this.received.push(received);
    const id = headers["killcord-event-id"];
    const tries = this.received.filter((other) => other.headers["killcord-event-id"] === id).length;
    this.answer(received, reply, tries);
    for (const wake of this.#waiting) {
      wake();
    }
    this.#waiting.clear();
  }
}

/** Whether a receiver that knows a secret would believe a message; a reading of the header of its own. */
export function isSigned({ headers, body }: Received, secret: string): boolean {
  const [t, ...signatures] = String(headers["killcord-signature"]).split(",");
  const time = t?.slice("t=".length);
  const expected = createHmac("sha256", secret).update(`${time}.`).update(body).digest("hex");
  return signatures.includes(`v1=${expected}`);
}
