/**
 * A TCP proxy with one address for a server that comes and goes, which cuts what goes through it: by a
 * reset, by an orderly close, in the middle of what is being sent, or after a silence.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { reset } from "../weather/reset.js";

export const cuts = ["reset", "close", "tear", "stall"] as const;
export type Cut = (typeof cuts)[number];

interface Pair {
  readonly number: number;
  readonly client: Socket;
  readonly server: Socket;
  /** Whether it breaks in the middle of the next that comes from the server. */
  tearing: boolean;
}

export class CuttingProxy {
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #made = 0;
  #target: number | null = null;

  private constructor() {
    this.#server = createServer({ noDelay: true }, (client) => this.#take(client));
  }

  static async open(): Promise<CuttingProxy> {
    const proxy = new CuttingProxy();
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections that went through it so far. */
  get made(): number {
    return this.#made;
  }

  /** Where new connections go; nowhere with null. */
  aim(port: number | null): void {
    this.#target = port;
  }

  /**
   * Cuts the connections whose numbers fit.
   *
   * @param stall_ms how long one stays silent that is cut by a stall
   * @returns how many there were
   */
  cut(fits: (number: number) => boolean, how: Cut, stall_ms: number): number {
    const cut = [...this.#pairs].filter(({ number }) => fits(number));
    for (const pair of cut) {
      this.#pairs.delete(pair);
      end(pair, how, stall_ms);
    }
    return cut.length;
  }

  async close(): Promise<void> {
    this.cut(() => true, "reset", 0);
    this.#server.close();
    await once(this.#server, "close");
  }

  #take(client: Socket): void {
    client.on("error", nothing);
    if (this.#target === null) {
      client.resetAndDestroy();
      return;
    }
    const server = connect({ port: this.#target, host: "127.0.0.1", noDelay: true });
    const pair: Pair = { number: this.#made, client, server, tearing: false };
    this.#made += 1;
    this.#pairs.add(pair);
    server.on("error", nothing);
    client.pipe(server);
    server.on("data", (piece: Buffer) => {
      if (pair.tearing) {
        client.write(piece.subarray(0, piece.length >> 1), () => destroy(pair));
      } else if (!client.write(piece)) {
        server.pause();
        client.once("drain", () => server.resume());
      }
    });
    server.once("end", () => client.end());
    for (const socket of [client, server]) {
      socket.once("close", () => {
        this.#pairs.delete(pair);
        destroy(pair);
      });
    }
  }
}

function end(pair: Pair, how: Cut, stall_ms: number): void {
  switch (how) {
    case "reset":
      reset(pair.client);
      reset(pair.server);
      return;
    case "close":
      pair.client.end();
      pair.server.end();
      setTimeout(() => destroy(pair), stall_ms);
      return;
    case "tear":
      pair.tearing = true;
      setTimeout(() => destroy(pair), stall_ms);
      return;
    case "stall":
      pair.client.pause();
      pair.server.pause();
      setTimeout(() => destroy(pair), stall_ms);
  }
}

function destroy({ client, server }: Pair): void {
  client.destroy();
  server.destroy();
}

function nothing(): void {}
