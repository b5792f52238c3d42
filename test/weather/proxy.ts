/**
 * Bad weather on a wire: a TCP proxy between a client and a server, of which a test says what it does
 * to what it carries. It knows bytes and nothing of HTTP, so it serves any protocol, TLS too.
 *
 * ```ts
 * const proxy = await openProxy(server.address); // give the client proxy.url
 * proxy.set({ down: "hold" });                   // nothing comes back any more, and nobody is told
 * await proxy.held("down");                      // an answer is waiting at the proxy
 * proxy.set({ down: "pass" });                   // there it is
 * proxy.cut();                                   // both ends see a reset
 * await proxy.close();
 * ```
 *
 * | weather | what it is like |
 * |---|---|
 * | `hold` | an outage: connections stay, bytes arrive once it is over, as TCP sends them again |
 * | `lose` | a black hole: bytes are gone for ever; that connection is good for nothing after it |
 * | `delay_ms` | a slow way; bytes keep their order |
 * | `cut()` | resets, now, on all connections |
 * | `halfClose(way)` | the receiver of that way sees the end of the stream; the other way goes on |
 * | `accept: "refuse"` | new connections are reset at once, as where nobody listens |
 * | `accept: "hold"` | new connections are taken, and reach nobody until it is over |
 *
 * Nothing here asks a test to sleep: `connected` and `held` resolve on events.
 */
import { connect, createServer, type Server, type Socket } from "node:net";
import { reset } from "./reset.js";

/** `up`: from the client to the server. */
export type Way = "up" | "down";

export interface Weather {
  /** What becomes of the bytes on each way. */
  up: "pass" | "hold" | "lose";
  down: "pass" | "hold" | "lose";
  /** How long every byte takes, each way. */
  delay_ms: number;
  /** What becomes of new connections. */
  accept: "pass" | "hold" | "refuse";
}

const fair: Weather = { up: "pass", down: "pass", delay_ms: 0, accept: "pass" };

/** Bytes of one way that the proxy keeps before it stops reading: more than any test of ours sends. */
const held_bytes_max = 16 * 1024 * 1024;

/**
 * Opens one on a free port of 127.0.0.1.
 *
 * @param target `HOST:PORT` of the server
 */
export async function openProxy(target: string): Promise<WeatherProxy> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return new WeatherProxy(server, target);
}

export class WeatherProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly #weather: Weather = { ...fair };
  readonly #looks = new Set<() => void>();
  #target: string;
  #taken = 0;

  constructor(server: Server, target: string) {
    this.#server = server;
    this.#target = target;
    this.port = (server.address() as { readonly port: number }).port;
    server.on("connection", (client) => this.#take(client));
  }

  /** `http://127.0.0.1:PORT` */
  get url(): string {
    return `http://${this.address}`;
  }

  /** `127.0.0.1:PORT` */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#pairs.size;
  }

  /** Connections that were ever taken. */
  get taken(): number {
    return this.#taken;
  }

  /** Changes the weather, for connections that are open and those that come. */
  set(change: Partial<Weather>): void {
    Object.assign(this.#weather, change);
    for (const pair of this.#pairs) {
      pair.look();
    }
  }

  /** Fair weather again, and everything that was held goes on. */
  clear(): void {
    this.set(fair);
  }

  /** New connections go to another server: one that was started anew has another port. */
  retarget(target: string): void {
    this.#target = target;
  }

  /** Resets every open connection, on both sides. */
  cut(): void {
    for (const pair of [...this.#pairs]) {
      pair.cut();
    }
  }

  /** Ends one way of every open connection, after what was carried; its sender is told nothing. */
  halfClose(way: Way): void {
    for (const pair of this.#pairs) {
      pair.halfClose(way);
    }
  }

  /** Resolves when so many connections were ever taken. */
  connected(taken = 1): Promise<void> {
    return this.#until(() => this.#taken >= taken);
  }

  /** Resolves when bytes are kept back on a way, by a connection that is open. */
  held(way: Way): Promise<void> {
    return this.#until(() => [...this.#pairs].some((pair) => pair.holds(way)));
  }

  /** Resolves when no connection is open. */
  idle(): Promise<void> {
    return this.#until(() => this.#pairs.size === 0);
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    await closed;
  }

  #take(client: Socket): void {
    this.#taken += 1;
    if (this.#weather.accept === "refuse") {
      client.on("error", nothing);
      client.resetAndDestroy();
    } else {
      const pair = new Pair(client, this.#target, this.#weather, () => {
        if (pair.over) {
          this.#pairs.delete(pair);
        }
        this.#look();
      });
      this.#pairs.add(pair);
      pair.look();
    }
    this.#look();
  }

  #until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (holds()) {
          this.#looks.delete(look);
          resolve();
        }
      };
      this.#looks.add(look);
      look();
    });
  }

  #look(): void {
    for (const look of [...this.#looks]) {
      look();
    }
  }
}

/** A client's connection and, once the weather lets it through, the one to the server. */
class Pair {
  over = false;
  readonly #client: Socket;
  readonly #target: string;
  readonly #weather: Weather;
  readonly #onChange: () => void;
  #server: Socket | null = null;
  readonly #lanes: Partial<Record<Way, Lane>> = {};

  constructor(client: Socket, target: string, weather: Weather, onChange: () => void) {
    this.#client = client;
    this.#target = target;
    this.#weather = weather;
    this.#onChange = onChange;
    this.#watch(client);
  }

  /** The weather has changed. */
  look(): void {
    if (this.#server === null && this.#weather.accept === "pass" && !this.over) {
      const [host, port] = this.#target.split(":") as [string, string];
      const server = connect({ host, port: Number(port), allowHalfOpen: true });
      this.#server = server;
      this.#watch(server);
      this.#lanes.up = new Lane(this.#client, server, this.#weather, "up", this.#onChange);
      this.#lanes.down = new Lane(server, this.#client, this.#weather, "down", this.#onChange);
      this.#client.resume();
    }
    this.#lanes.up?.look();
    this.#lanes.down?.look();
  }

  holds(way: Way): boolean {
    return (this.#lanes[way]?.waiting ?? 0) > 0;
  }

  halfClose(way: Way): void {
    this.#lanes[way]?.end();
  }

  cut(): void {
    for (const socket of [this.#client, this.#server]) {
      if (socket !== null && !socket.destroyed) {
        reset(socket);
      }
    }
    this.#end();
  }

  /** A side that breaks takes the other with it; one that ends well is carried like bytes. */
  #watch(socket: Socket): void {
    socket.setNoDelay(true);
    socket.on("error", () => this.cut());
    socket.on("close", () => this.#end());
  }

  #end(): void {
    if (!this.over && (this.#server?.destroyed ?? true) && this.#client.destroyed) {
      this.over = true;
      this.#onChange();
    }
  }
}

/** What is carried one way, in its order; null is the end. */
class Lane {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #weather: Weather;
  readonly #way: Way;
  readonly #onChange: () => void;
  readonly #held: { readonly due_ms: number; readonly bytes: Buffer | null }[] = [];
  #bytes = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(from: Socket, to: Socket, weather: Weather, way: Way, onChange: () => void) {
    this.#from = from;
    this.#to = to;
    this.#weather = weather;
    this.#way = way;
    this.#onChange = onChange;
    from.on("data", (bytes: Buffer) => this.#put(bytes));
    from.on("end", () => this.#put(null));
    to.on("drain", () => this.look());
  }

  /** Bytes that wait. */
  get waiting(): number {
    return this.#bytes;
  }

  end(): void {
    this.look();
    this.#to.end();
  }

  #put(bytes: Buffer | null): void {
    if (this.#weather[this.#way] === "lose") {
      return;
    }
    this.#held.push({ due_ms: performance.now() + this.#weather.delay_ms, bytes });
    this.#bytes += bytes?.length ?? 0;
    if (this.#bytes > held_bytes_max) {
      this.#from.pause();
    }
    this.look();
    this.#onChange();
  }

  /** Passes on what may go now, and sets a timer for what may go later. */
  look(): void {
    const weather = this.#weather[this.#way];
    if (weather === "lose") {
      this.#held.length = 0;
      this.#bytes = 0;
    }
    if (this.#timer !== null || weather !== "pass") {
      return;
    }
    for (let next = this.#held[0]; next !== undefined && !this.#to.writableNeedDrain; next = this.#held[0]) {
      const wait_ms = next.due_ms - performance.now();
      if (wait_ms > 0) {
        this.#timer = setTimeout(() => {
          this.#timer = null;
          this.look();
        }, wait_ms);
        return;
      }
      this.#held.shift();
      this.#pass(next.bytes);
    }
    this.#from.resume();
  }

  #pass(bytes: Buffer | null): void {
    if (bytes === null) {
      this.#to.end();
      return;
    }
    this.#bytes -= bytes.length;
    if (this.#to.writable) {
      this.#to.write(bytes);
    }
  }
}

function nothing(): void {}
