/** Clients of HTTP/1.1 that mean harm: each hears a clear refusal or nothing, and others go on. */
import { once } from "node:events";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { expect } from "chai";
import { good_key } from "./fake-door.js";
import { openRaw } from "./raw.js";
import { type Running, start } from "./running.js";

const get = "/killcord.v1.SessionService/GetSession";
const head = `POST ${get} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${good_key}\r\nContent-Type: application/json\r\n`;

describe("rpc: hostile clients of HTTP/1.1", () => {
  let server: Running;
  before(async () => {
    server = await start({ headers_ms: 500, request_ms: 500, connection_check_ms: 50 });
  });
  after(() => server.close());
  afterEach(async () => {
    expect(server.door.calls).to.deep.equal([]);
    expect((await fetch(`${server.url}/healthz`)).status).to.equal(200);
  });

  /** Sends bytes and resolves to all that came until the server closed. */
  const told = async (bytes: string | Uint8Array): Promise<string> => {
    const raw = await openRaw(server.port);
    raw.write(bytes);
    return raw.closed();
  };

  const malformed: Readonly<Record<string, string>> = {
    "two lengths": `${head}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`,
    "a length and chunks": `${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    "chunks inside chunks": `${head}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
    "a negative length": `${head}Content-Length: -2\r\n\r\n{}`,
    "a length that is no number": `${head}Content-Length: 2x\r\n\r\n{}`,
    "a chunk size that is no number": `${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`,
    "a chunk size beyond all bounds": `${head}Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}`,
    "a header without a name": `${head}: x\r\n\r\n`,
    "a space before the colon": `${head}X-A : b\r\n\r\n`,
    "a header folded over lines": `${head}X-A: b\r\n c\r\n\r\n`,
    "a zero byte in a header": `${head}X-A: b\0c\r\n\r\n`,
    "bare line feeds": `${head.replaceAll("\r\n", "\n")}\n`,
    "another version": `POST ${get} HTTP/9.9\r\nHost: x\r\n\r\n`,
    "no version": `POST ${get}\r\n\r\n`,
    "a method that is none": `P@ST ${get} HTTP/1.1\r\nHost: x\r\n\r\n`,
    "no host": `POST ${get} HTTP/1.1\r\n\r\n`,
  };
  for (const [name, bytes] of Object.entries(malformed)) {
    it(`${name}: refused, and the connection ends`, async () => {
      const answers = (await told(bytes)).match(/HTTP\/1\.1 \d+/g) ?? [];
      expect(answers.length).to.be.below(2);
      expect(answers[0] ?? "HTTP/1.1 400").to.match(/ 4\d\d$/);
    });
  }

  it("a request that is hidden in the body of another is never served", async () => {
    const hidden = `POST ${get} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${good_key}\r\nContent-Length: 2\r\n\r\n{}`;
    const first = `${head.replace(good_key, "no")}Content-Length: ${hidden.length}\r\n\r\n${hidden}`;
    const raw = await openRaw(server.port);
    raw.write(`${first}GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    const answers = (await raw.closed()).match(/HTTP\/1\.1 \d+/g);
    expect(answers).to.deep.equal(["HTTP/1.1 401", "HTTP/1.1 200"]);
  });

  it("headers and targets beyond their limit: 431", async () => {
    const many = Array.from({ length: 4000 }, (_, k) => `X-${k}: y\r\n`).join("");
    expect(await told(`${head}${many}\r\n`)).to.match(/^HTTP\/1\.1 431 /);
    expect(await told(`GET /${"a".repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`)).to.match(
      /^HTTP\/1\.1 431 /,
    );
    expect(await told(`${head}X-Big: ${"y".repeat(100_000)}\r\n\r\n`)).to.match(/^HTTP\/1\.1 431 /);
  });

  it("a hundred connections that drip their headers are closed, and one beside them is answered", async () => {
    const slow = await Promise.all(Array.from({ length: 100 }, () => openRaw(server.port)));
    const drip = setInterval(() => {
      for (const raw of slow) {
        raw.write("X-A: b\r\n");
      }
    }, 50);
    for (const raw of slow) {
      raw.write("GET /healthz HTTP/1.1\r\nHost: x\r\n");
    }
    expect((await fetch(`${server.url}/healthz`)).status).to.equal(200);
    for (const raw of slow) {
      expect(await raw.closed()).to.match(/^(HTTP\/1\.1 408 |$)/);
    }
    clearInterval(drip);
  });

  it("a body that drips is cut, and was no call", async () => {
    const raw = await openRaw(server.port);
    raw.write(`${head}Content-Length: 1000\r\n\r\n`);
    const drip = setInterval(() => raw.write(" "), 20);
    expect(await raw.closed()).to.match(/^HTTP\/1\.1 408 /);
    clearInterval(drip);
  });

  it("requests that are piled up while no reply is read leave the server as it was", async () => {
    const raw = await openRaw(server.port);
    raw.socket.pause();
    const pile = Buffer.from("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1000));
    let taken = 0;
    while (taken < 200 && raw.socket.write(pile)) {
      taken += 1;
    }
    expect((await fetch(`${server.url}/healthz`)).status).to.equal(200);
    raw.socket.destroy();
    await once(raw.socket, "close");
  });

  for (const [name, encoding, bomb] of [
    ["gzip", "gzip", gzipSync(Buffer.alloc(64 * 1024 * 1024))],
    ["brotli", "br", brotliCompressSync(Buffer.alloc(64 * 1024 * 1024))],
  ] as const) {
    it(`a few bytes of ${name} that inflate to 64 MiB: refused in Connect and in gRPC-Web`, async () => {
      const post = (type: string, header: string, body: Uint8Array<ArrayBuffer>) =>
        fetch(server.url + get, {
          method: "POST",
          headers: { "x-api-key": good_key, "content-type": type, [header]: encoding },
          body,
        });
      const unary = await post("application/json", "content-encoding", new Uint8Array(bomb));
      expect(unary.status).to.equal(429);
      expect(await unary.text()).to.include("payload_too_large");
      const web = await post("application/grpc-web+proto", "grpc-encoding", encodeEnvelope(1, bomb));
      expect(web.headers.get("grpc-status")).to.equal("8");
    });
  }

  it("paths and encodings that mean something else are refused or not found", async () => {
    for (const path of [
      "/killcord.v1.SessionService/../KeyService/CreateKey",
      "/killcord.v1.SessionService%2FGetSession",
      "/killcord.v1.SessionService/GetSession/",
      "//killcord.v1.SessionService/GetSession",
      "/KILLCORD.V1.SESSIONSERVICE/GETSESSION",
      "/killcord.v1.SessionService/GetSession%00",
    ]) {
      const answer = await told(`${head.replace(get, path)}Connection: close\r\nContent-Length: 2\r\n\r\n{}`);
      expect(answer, path).to.match(/^HTTP\/1\.1 404 /);
    }
    for (const [header, value] of [
      ["content-encoding", "zstd"],
      ["content-encoding", "gzip, gzip"],
      ["content-type", "application/json; charset=utf-16"],
    ] as const) {
      const reply = await fetch(server.url + get, {
        method: "POST",
        headers: { "content-type": "application/json", "x-api-key": good_key, [header]: value },
        body: "{}",
      });
      expect(reply.status, value).to.be.within(400, 501);
      await reply.text();
    }
  });
});
