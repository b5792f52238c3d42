import { once } from "node:events";
import { constants } from "node:http2";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { expect } from "chai";
import { limits } from "../../src/limits.js";
import { openPort } from "../../src/rpc/port.js";
import { good_key, sessionUpdate } from "./fake-door.js";
import { openHttp2, openRaw, request2 } from "./raw.js";
import { type Running, start } from "./running.js";

const get = "/killcord.v1.SessionService/GetSession";
const watch = "/killcord.v1.SessionService/WatchSession";
const grpc = { "x-api-key": good_key, "content-type": "application/grpc" };
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const no_settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

describe("rpc: the port", () => {
  let server: Running;
  afterEach(() => server.close());

  describe("two versions of HTTP", () => {
    it("are told apart however the first bytes are cut", async () => {
      server = await start();
      for (const parts of [
        ["P", "RI * HTT", "P/2.0\r\n\r\nSM\r\n\r\n"],
        ["PR", preface.slice(2)],
      ]) {
        const raw = await openRaw(server.port);
        for (const part of parts) {
          raw.write(part);
          await new Promise((resolve) => setImmediate(resolve));
        }
        raw.write(no_settings);
        // The server's own SETTINGS: the fourth byte of a frame is its type.
        expect((await raw.until((text) => text.length >= 9)).charCodeAt(3)).to.equal(4);
        raw.socket.destroy();
      }
      for (const parts of [
        ["P", "OST /x HTTP/1.1\r\nHost: x\r\n\r\n"],
        ["PR", "OPFIND /x HTTP/1.1\r\nHost: x\r\n\r\n"],
        ["G", "ET /x HTTP/1.1\r\nHost: x\r\n\r\n"],
      ]) {
        const raw = await openRaw(server.port);
        for (const part of parts) {
          raw.write(part);
          await new Promise((resolve) => setImmediate(resolve));
        }
        expect(await raw.until((text) => text.includes("rest /x"))).to.match(/^HTTP\/1.1 404 /);
        raw.socket.destroy();
      }
    });

    it("an upgrade to HTTP/2 is left, and the request answered as it came", async () => {
      server = await start();
      const raw = await openRaw(server.port);
      raw.write("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n");
      raw.write("Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n");
      expect(await raw.until((text) => text.includes("true"))).to.match(/^HTTP\/1.1 200 /);
      raw.socket.destroy();
    });

    it("bytes that are no HTTP are answered 400 and the connection ends", async () => {
      server = await start();
      const raw = await openRaw(server.port);
      raw.write("\x16\x03\x01\x02\x00\x01\x00 hello\r\n\r\n");
      expect(await raw.closed()).to.match(/^HTTP\/1.1 400 /);
    });

    it("an absolute URL, as proxies send it, is taken", async () => {
      server = await start();
      const raw = await openRaw(server.port);
      raw.write("GET http://example.com/healthz HTTP/1.1\r\nHost: example.com\r\n\r\n");
      expect(await raw.until((text) => text.includes("true"))).to.match(/^HTTP\/1.1 200 /);
      raw.socket.destroy();
    });
  });

  describe("what says nothing is closed", () => {
    it("a silent socket, and one that stops after two bytes", async () => {
      server = await start({ silent_socket_ms: 50 });
      const silent = await openRaw(server.port);
      const short = await openRaw(server.port);
      short.write("PR");
      expect(await silent.closed()).to.equal("");
      expect(await short.closed()).to.equal("");
    });

    it("an HTTP/2 preface without settings", async () => {
      server = await start({ silent_socket_ms: 50 });
      const raw = await openRaw(server.port);
      raw.write(preface);
      await raw.closed();
    });

    it("headers of HTTP/1.1 that come a byte at a time", async () => {
      server = await start({ headers_ms: 100, connection_check_ms: 20 });
      const raw = await openRaw(server.port);
      raw.write("GET / HTTP/1.1\r\nHost: x\r\n");
      const drip = setInterval(() => raw.write("X-A: b\r\n"), 10);
      expect(await raw.closed()).to.match(/^HTTP\/1.1 408 /);
      clearInterval(drip);
    });

    it("a body of HTTP/1.1 that does not come", async () => {
      server = await start({ headers_ms: 100, request_ms: 100, connection_check_ms: 20 });
      const raw = await openRaw(server.port);
      raw.write(`POST ${get} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${good_key}\r\n`);
      raw.write("Content-Type: application/json\r\nContent-Length: 10\r\n\r\n{");
      expect(await raw.closed()).to.match(/^HTTP\/1.1 408 /);
      expect(server.door.calls).to.deep.equal([]);
    });

    it("a body of HTTP/2 that does not come; its connection goes on", async () => {
      server = await start({ headers_ms: 100, request_ms: 100 });
      const session = openHttp2(server.port);
      const reply = await request2(session, { ":path": get, ...grpc }, Buffer.alloc(3), false);
      expect(reply.reset).to.equal(constants.NGHTTP2_CANCEL);
      const next = await request2(session, { ":path": "/healthz", ":method": "GET" });
      expect(next.headers[":status"]).to.equal(200);
      session.destroy();
    });

    it("an HTTP/2 peer that does not answer pings", async () => {
      server = await start({ ping_ms: 50 });
      const raw = await openRaw(server.port);
      raw.write(preface);
      raw.write(no_settings);
      await raw.closed();
    });

    it("an HTTP/2 connection without a stream for long, with a GOAWAY; one with a stream stays", async () => {
      server = await start({ ping_ms: 100, idle_connection_ms: 150 });
      server.door.follow = async function* (_request, call) {
        yield sessionUpdate("s", 1);
        await new Promise((resolve) => call.signal.addEventListener("abort", resolve));
      };
      const busy = openHttp2(server.port);
      const stream = busy.request({ ":method": "POST", ":path": watch, ...grpc });
      stream.on("error", () => {});
      stream.end(encodeEnvelope(0, new Uint8Array(0)));
      await once(stream, "data");
      const idle = openHttp2(server.port);
      const [code] = await once(idle, "goaway");
      expect(code).to.equal(constants.NGHTTP2_NO_ERROR);
      expect(busy.closed).to.equal(false);
      busy.destroy();
    });

    it("but never a live stream, on either version of HTTP", async () => {
      const soon_ms = 150;
      server = await start({
        headers_ms: soon_ms,
        request_ms: soon_ms,
        silent_socket_ms: soon_ms,
        idle_connection_ms: soon_ms,
        connection_check_ms: 10,
      });
      server.door.follow = async function* () {
        yield sessionUpdate("s", 1);
        await new Promise((resolve) => setTimeout(resolve, 3 * soon_ms));
        yield sessionUpdate("s", 2);
      };
      const session = openHttp2(server.port);
      const over2 = request2(session, { ":path": watch, ...grpc }, encodeEnvelope(0, new Uint8Array(0)));
      const over1 = fetch(server.url + watch, {
        method: "POST",
        headers: { "x-api-key": good_key, "content-type": "application/connect+json" },
        body: encodeEnvelope(0, Buffer.from("{}")),
      });
      expect(await (await over1).text()).to.include('"revision":"2"');
      expect((await over2).trailers["grpc-status"]).to.equal("0");
      session.destroy();
    });
  });

  describe("what is too much is refused", () => {
    it("headers over the limit", async () => {
      server = await start();
      const raw = await openRaw(server.port);
      raw.write(`GET / HTTP/1.1\r\nHost: x\r\nX-Big: ${"x".repeat(limits.headers_bytes)}\r\n\r\n`);
      expect(await raw.closed()).to.match(/^HTTP\/1.1 431 /);
      const session = openHttp2(server.port);
      const big = { "x-big-1": "x".repeat(9000), "x-big-2": "x".repeat(9000) };
      const early = await request2(session, { ":path": get, ...grpc, ...big });
      expect(early.headers[":status"]).to.equal(431);
      const settled = await request2(session, { ":path": get, ...grpc, ...big });
      expect(settled.reset).to.equal(constants.NGHTTP2_ENHANCE_YOUR_CALM);
      expect(server.door.calls).to.deep.equal([]);
      session.destroy();
    });

    it("connections over the limit, until one ends", async () => {
      server = await start({ connections: 2 });
      const first = await openRaw(server.port);
      const second = await openRaw(server.port);
      second.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
      await second.until((text) => text.includes("true"));
      const third = await openRaw(server.port);
      expect(await third.closed()).to.equal("");
      first.socket.destroy();
      second.socket.destroy();
    });

    it("streams over the limit of a connection are announced and held to", async () => {
      server = await start({ streams_per_connection: 3 });
      const session = openHttp2(server.port);
      const [settings] = await once(session, "remoteSettings");
      expect(settings.maxConcurrentStreams).to.equal(3);
      session.destroy();
    });
  });

  describe("addresses that can't be had", () => {
    const openOn = (host: string, port: number) =>
      openPort({ host, port, handler: () => {} }).then(
        () => "opened",
        (error: Error) => error.message,
      );

    it("a port in use says so and what to do", async () => {
      server = await start();
      expect(await openOn("127.0.0.1", server.port)).to.equal(
        `port ${server.port} on 127.0.0.1 is in use: stop the other process or choose another with --listen`,
      );
    });

    it("an address of another machine says so", async () => {
      server = await start();
      expect(await openOn("203.0.113.1", 0)).to.match(
        /^203\.0\.113\.1 is no address of this machine: .*--listen/,
      );
    });
  });
});
