import { createServer, type Server, Socket } from "node:net";
import { expect } from "chai";
import { openProxy, type WeatherProxy } from "./proxy.js";

/** A socket that notes what it hears. */
class Peer {
  text = "";
  /** What happened to it, in its order. */
  readonly events: string[] = [];
  readonly socket: Socket;
  readonly #looks = new Set<() => void>();

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => {
      this.text += text;
      this.#look();
    });
    for (const event of ["end", "error", "close"]) {
      socket.on(event, () => {
        this.events.push(event);
        this.#look();
      });
    }
  }

  until(holds: (peer: Peer) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (holds(this)) {
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

describe("the proxy of bad weather", () => {
  let server: Server;
  let proxy: WeatherProxy;
  let taken: Peer[];
  let opened: Socket[];

  beforeEach(async () => {
    taken = [];
    opened = [];
    server = createServer({ allowHalfOpen: true }, (socket) => taken.push(new Peer(socket)));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    proxy = await openProxy(`127.0.0.1:${(server.address() as { readonly port: number }).port}`);
  });

  afterEach(async () => {
    for (const socket of [...opened, ...taken.map((peer) => peer.socket)]) {
      socket.destroy();
    }
    await proxy.close();
    await new Promise((resolve) => server.close(resolve));
  });

  function open(): Peer {
    const socket = new Socket({ allowHalfOpen: true });
    opened.push(socket);
    socket.connect(proxy.port, "127.0.0.1");
    return new Peer(socket);
  }

  /** A connection that both ends know of. */
  async function joined() {
    const client = open();
    client.socket.write("hello ");
    await proxy.connected(opened.length);
    while (taken.length < opened.length) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    const peer = taken[opened.length - 1] as Peer;
    await peer.until(({ text }) => text === "hello ");
    return { client, peer };
  }

  it("passes bytes both ways, and ends, in fair weather", async () => {
    const { client, peer } = await joined();
    peer.socket.end("bye");
    await client.until(({ events }) => events.includes("end"));
    expect(client.text).to.equal("bye");
    client.socket.end("you too");
    await peer.until(({ events }) => events.includes("close"));
    expect(peer.text).to.equal("hello you too");
    await proxy.idle();
  });

  it("holds bytes back, and passes them on in their order once it is over", async () => {
    const { client, peer } = await joined();
    proxy.set({ up: "hold" });
    client.socket.write("one ");
    await proxy.held("up");
    client.socket.write("two");
    peer.socket.write("still heard");
    await client.until(({ text }) => text === "still heard");
    expect(peer.text).to.equal("hello ");
    proxy.clear();
    await peer.until(({ text }) => text === "hello one two");
  });

  it("loses bytes for ever", async () => {
    const { client, peer } = await joined();
    proxy.set({ down: "hold" });
    peer.socket.write("gone ");
    await proxy.held("down");
    proxy.set({ down: "lose" });
    proxy.clear();
    peer.socket.write("there");
    await client.until(({ text }) => text === "there");
  });

  it("keeps the order of what it delays", async () => {
    const { client, peer } = await joined();
    proxy.set({ delay_ms: 5 });
    for (let i = 0; i < 10; i++) {
      client.socket.write(String(i));
      await new Promise((resolve) => setImmediate(resolve));
    }
    client.socket.end();
    await peer.until(({ events }) => events.includes("end"));
    expect(peer.text).to.equal("hello 0123456789");
  });

  it("cuts connections as a reset, on both sides", async () => {
    const { client, peer } = await joined();
    proxy.cut();
    await client.until(({ events }) => events.includes("close"));
    await peer.until(({ events }) => events.includes("close"));
    expect([client.events, peer.events]).to.deep.equal([
      ["error", "close"],
      ["error", "close"],
    ]);
    expect(proxy.connections).to.equal(0);
  });

  it("closes one way only", async () => {
    const { client, peer } = await joined();
    proxy.halfClose("down");
    await client.until(({ events }) => events.includes("end"));
    client.socket.write("are you there?");
    await peer.until(({ text }) => text === "hello are you there?");
    expect(peer.events).to.deep.equal([]);
  });

  it("refuses and holds new connections while others go on", async () => {
    const { client, peer } = await joined();
    proxy.set({ accept: "refuse" });
    const refused = open();
    await refused.until(({ events }) => events.includes("close"));
    proxy.set({ accept: "hold" });
    const waiting = open();
    waiting.socket.write("hello ");
    await proxy.connected(3);
    client.socket.write("others go on");
    await peer.until(({ text }) => text === "hello others go on");
    expect(taken).to.have.lengthOf(1);
    proxy.clear();
    waiting.socket.end();
    while (taken.length < 2) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    await taken[1]?.until(({ events }) => events.includes("end"));
    expect(taken[1]?.text).to.equal("hello ");
  });

  it("resets a client where no server listens", async () => {
    await new Promise((resolve) => server.close(resolve));
    const client = open();
    await client.until(({ events }) => events.includes("close"));
    expect(client.events).to.include("error");
  });
});
