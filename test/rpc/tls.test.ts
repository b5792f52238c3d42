import { once } from "node:events";
import { connect as connectHttp2, constants } from "node:http2";
import { get as getHttps } from "node:https";
import { connect as connectTcp, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import { createClient } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { expect } from "chai";
import { SessionService } from "../../gen/killcord/v1/session_pb.js";
import { makeCertificate } from "./certificate.js";
import { good_key } from "./fake-door.js";
import { openRaw } from "./raw.js";
import { type Running, start } from "./running.js";

const identity = { ...makeCertificate("killcord test"), client_ca: null };
const trusting = { ca: identity.cert };

/** The outcome of a handshake: the socket, or the code of what went wrong. */
function handshake(port: number, options: ConnectionOptions): Promise<TLSSocket | string> {
  const socket = connectTls({ port, host: "127.0.0.1", ...options });
  return new Promise((resolve) => {
    socket.on("secureConnect", () => resolve(socket));
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.on("close", () => resolve("closed"));
  });
}

/** The end of a socket, also by a reset: what was still on its way when the server let go makes one. */
function end(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on("error", () => {}).resume();
    socket.once("close", () => resolve());
  });
}

describe("rpc: TLS", () => {
  let server: Running;
  afterEach(() => server.close());

  it("HTTP/1.1 and HTTP/2 are told apart by ALPN, and a client that offers none speaks HTTP/1.1", async () => {
    server = await start({}, { tls: identity });
    for (const [offered, got] of [
      [["h2", "http/1.1"], "h2"],
      [["http/1.1"], "http/1.1"],
      [[], false],
    ] as const) {
      const socket = await handshake(server.port, { ...trusting, ALPNProtocols: [...offered] });
      expect((socket as TLSSocket).alpnProtocol).to.equal(got);
      (socket as TLSSocket).destroy();
    }
    const reply = await new Promise<number>((resolve) => {
      getHttps({ port: server.port, path: "/healthz", ...trusting }, (each) => {
        each.resume();
        resolve(each.statusCode ?? 0);
      });
    });
    expect(reply).to.equal(200);
  });

  const transports = {
    "Connect, HTTP/1.1": (baseUrl: string) =>
      createConnectTransport({ baseUrl, httpVersion: "1.1", nodeOptions: trusting }),
    "Connect, HTTP/2": (baseUrl: string) =>
      createConnectTransport({ baseUrl, httpVersion: "2", nodeOptions: trusting }),
    gRPC: (baseUrl: string) => createGrpcTransport({ baseUrl, nodeOptions: trusting }),
    "gRPC-Web, HTTP/1.1": (baseUrl: string) =>
      createGrpcWebTransport({ baseUrl, httpVersion: "1.1", nodeOptions: trusting }),
  };
  for (const [name, make] of Object.entries(transports)) {
    it(`${name}: calls and streams`, async () => {
      server = await start({}, { tls: identity });
      const client = createClient(SessionService, make(`https://127.0.0.1:${server.port}`));
      const headers = { "x-api-key": good_key };
      const { session } = await client.getSession({ sessionId: "s" }, { headers });
      expect(session?.sessionId).to.equal("s");
      const revisions: bigint[] = [];
      for await (const each of client.watchSession({ sessionId: "s" }, { headers })) {
        revisions.push(each.revision);
      }
      expect(revisions).to.deep.equal([1n]);
    });
  }

  it("nothing older than TLS 1.2 is spoken", async () => {
    server = await start({}, { tls: identity });
    const old = { ...trusting, minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" };
    expect(await handshake(server.port, old as ConnectionOptions)).to.match(
      /PROTOCOL_VERSION|EPROTO|ECONNRESET/,
    );
    const socket = await handshake(server.port, { ...trusting, maxVersion: "TLSv1.2" });
    expect((socket as TLSSocket).getProtocol()).to.equal("TLSv1.2");
    (socket as TLSSocket).destroy();
  });

  it("plaintext on its port is told so, in either version of HTTP, and nothing is served", async () => {
    server = await start({}, { tls: identity });
    const raw = await openRaw(server.port);
    raw.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(await raw.closed()).to.match(/^HTTP\/1\.1 400 .*this port speaks TLS: use https/s);

    const session = connectHttp2(`http://127.0.0.1:${server.port}`);
    session.on("error", () => {});
    const [code, , data] = await once(session, "goaway");
    expect(code).to.equal(constants.NGHTTP2_INADEQUATE_SECURITY);
    expect(String(data)).to.include("use https");
    session.destroy();
    expect(server.door.calls).to.deep.equal([]);
  });

  it("a handshake that does not come, or drips, is cut; so is a client that says nothing after it", async () => {
    server = await start(
      { silent_socket_ms: 150, headers_ms: 150, connection_check_ms: 20 },
      { tls: identity },
    );
    const silent = await openRaw(server.port);
    await silent.closed();

    const dripping = connectTcp({ port: server.port, host: "127.0.0.1" });
    const dripped = end(dripping);
    dripping.write(Buffer.from([0x16, 3, 1, 2, 0]));
    const drip = setInterval(() => dripping.write(Buffer.from([1])), 20);
    await dripped;
    clearInterval(drip);

    for (const ALPNProtocols of [["h2"], ["http/1.1"]]) {
      const mute = (await handshake(server.port, { ...trusting, ALPNProtocols })) as TLSSocket;
      await end(mute);
    }
  });

  it("bytes that only begin like a handshake are closed", async () => {
    server = await start({}, { tls: identity });
    const raw = await openRaw(server.port);
    raw.write(Buffer.concat([Buffer.from([0x16]), Buffer.alloc(100, 0x41)]));
    await raw.closed();
    expect(server.door.calls).to.deep.equal([]);
  });

  it("another certificate is shown to those who come later, and nobody is cut off", async () => {
    server = await start({}, { tls: identity });
    const before = (await handshake(server.port, trusting)) as TLSSocket;
    const next = makeCertificate("the next one");
    server.renew({ ...next, client_ca: null });
    expect(await handshake(server.port, trusting)).to.match(/SELF_SIGNED|UNABLE_TO_VERIFY/);
    const after = (await handshake(server.port, { ca: next.cert })) as TLSSocket;
    expect(after.getPeerCertificate().subject.CN).to.equal("the next one");
    before.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(String((await once(before, "data"))[0])).to.match(/^HTTP\/1\.1 200 /);
    before.destroy();
    after.destroy();
    expect(() => server.renew({ cert: Buffer.from("no"), key: next.key, client_ca: null })).to.throw();
  });

  it("where clients need certificates, one without or of another authority gets nothing", async () => {
    const authority = makeCertificate("an authority");
    server = await start({}, { tls: { ...identity, client_ca: authority.cert } });
    const ask = async (more: ConnectionOptions): Promise<string> => {
      const socket = await handshake(server.port, { ...trusting, ...more });
      if (typeof socket === "string") {
        return socket;
      }
      socket.write("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
      let text = "";
      socket.on("data", (chunk) => {
        text += chunk;
      });
      socket.on("error", () => {});
      await new Promise((resolve) => socket.once("close", resolve));
      return text;
    };
    const member = makeCertificate("a member", authority);
    expect(await ask({ cert: member.cert, key: member.key })).to.match(/^HTTP\/1\.1 200 /);
    expect(await ask({})).not.to.include("HTTP/1.1 200");
    const stranger = makeCertificate("a stranger");
    expect(await ask({ cert: stranger.cert, key: stranger.key })).not.to.include("HTTP/1.1 200");
  });

  it("a close tells what is open to go, and does not wait for a handshake that never ends", async () => {
    server = await start({}, { tls: identity });
    const half = connectTcp({ port: server.port, host: "127.0.0.1" });
    half.on("error", () => {});
    half.write(Buffer.from([0x16, 3, 1, 2, 0]));
    const idle = (await handshake(server.port, trusting)) as TLSSocket;
    const session = connectHttp2(`https://127.0.0.1:${server.port}`, trusting);
    session.on("error", () => {});
    await once(session, "remoteSettings");
    const goaway = once(session, "goaway");
    await server.close(60_000);
    expect((await goaway)[0]).to.equal(constants.NGHTTP2_NO_ERROR);
    idle.destroy();
    half.destroy();
  });
});
