/** Node: HTTP/2 in the clear or over TLS, HTTP/1.1 where only that gets through, and timers that hold nobody. */
import { setMaxListeners } from "node:events";
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { Socket } from "node:net";
import type { ConnectError, Interceptor } from "@connectrpc/connect";
import { createConnectTransport, Http2SessionManager } from "@connectrpc/connect-node";
import type { Channel, Platform } from "./platform.js";
import { socketTo } from "./socket-to.js";
import { client_name } from "./version.js";

export function nodePlatform(url: string, api_key: string, warn: (message: string) => void): Platform {
  let only_http1 = false;
  return {
    clock: {
      nowMs: () => performance.now(),
      after: (ms, run) => {
        const timer = setTimeout(run, ms).unref();
        return { cancel: () => clearTimeout(timer) };
      },
    },
    random: Math.random,
    // Node takes more than ten listeners for a leak; here each call under way is one.
    manyListeners: (signal) => setMaxListeners(0, signal),
    hold: () => {
      const timer = setInterval(() => {}, 2 ** 30);
      return () => clearInterval(timer);
    },
    warn,
    openChannel: (failure) => {
      only_http1 ||= failure !== null && speaksNoHttp2(failure);
      return only_http1 ? http1Channel(url, api_key) : http2Channel(url, api_key);
    },
  };
}

function http2Channel(url: string, api_key: string): Channel {
  const sockets = new Set<Socket>();
  const sessionManager = new Http2SessionManager(
    url,
    // Pings find a connection that died without a word; an idle one is closed.
    { pingIntervalMs: 15_000, pingTimeoutMs: 10_000, idleConnectionTimeoutMs: 60_000 },
    { createConnection: (authority) => kept(sockets, withoutHold(socketTo(authority))) },
  );
  return {
    transport: createConnectTransport({
      baseUrl: url,
      httpVersion: "2",
      sessionManager,
      interceptors: [withHeaders(api_key)],
    }),
    isUnfit: speaksNoHttp2,
    close: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

function http1Channel(url: string, api_key: string): Channel {
  const sockets = new Set<Socket>();
  const agent = new (url.startsWith("https:") ? HttpsAgent : HttpAgent)({ keepAlive: true });
  const create = agent.createConnection.bind(agent);
  agent.createConnection = (options, done) => {
    const socket = create(options, done);
    if (socket) kept(sockets, withoutHold(socket as Socket));
    return socket;
  };
  return {
    transport: createConnectTransport({
      baseUrl: url,
      httpVersion: "1.1",
      nodeOptions: { agent },
      interceptors: [withHeaders(api_key)],
    }),
    close: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

function withHeaders(api_key: string): Interceptor {
  return (next) => (request) => {
    request.header.set("x-api-key", api_key);
    request.header.set("x-killcord-client", client_name);
    return next(request);
  };
}

/** A proxy in between, mostly. */
function speaksNoHttp2(failure: ConnectError): boolean {
  for (let reason: unknown = failure; reason instanceof Error; reason = reason.cause) {
    const code = "code" in reason && typeof reason.code === "string" ? reason.code : "";
    if (/^ERR_HTTP2_(ERROR|SESSION_ERROR)$|NO_APPLICATION_PROTOCOL/.test(code)) return true;
  }
  return false;
}

/**
 * A socket that never keeps the process alive: what has to be waited for holds the process itself. HTTP
 * would take hold of it again with every stream.
 */
function withoutHold<S extends Socket>(socket: S): S {
  socket.unref();
  socket.ref = () => socket;
  return socket;
}

function kept<S extends Socket>(sockets: Set<Socket>, socket: S): S {
  sockets.add(socket);
  socket.once("close", () => sockets.delete(socket));
  return socket;
}
