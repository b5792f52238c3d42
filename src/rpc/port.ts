/** One port for HTTP/1.1 and HTTP/2: in the clear, told apart by their first bytes, or over TLS by ALPN. */
import { createServer as createHttp1Server, type Server as Http1Server } from "node:http";
import { createServer as createHttp2Server, type Http2Server, type ServerHttp2Session } from "node:http2";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { limits } from "../limits.js";
import { greet } from "./greet.js";
import type { HttpHandler, HttpReply, HttpRequest } from "./http.js";
import { refusePlaintext } from "./plaintext.js";
import { dropRemains } from "./remains.js";
import { cutSlowRequest, type SessionBounds, tendSession } from "./session.js";
import { createTlsDoor, type TlsIdentity } from "./tls.js";

/** What the port holds open, and for how long; a part of limits.ts. */
export interface PortBounds extends SessionBounds {
  readonly request_body_bytes: number;
  readonly headers_bytes: number;
  readonly headers_ms: number;
  readonly request_ms: number;
  readonly remains_ms: number;
  readonly linger_ms: number;
  readonly connection_check_ms: number;
  readonly connections: number;
  readonly streams_per_connection: number;
  readonly session_memory_mib: number;
}

/** An open port. */
export interface Port {
  readonly address: { readonly host: string; readonly port: number };
  /** How many sockets are open. */
  connections(): number;
  /**
   * Stops accepting, tells HTTP/2 clients to go elsewhere, waits for what is under way, and ends
   * what is left after `grace_ms`. Resolves when every socket is closed.
   */
  close(grace_ms: number): Promise<void>;
  /**
   * Shows another certificate to connections that begin from now on.
   *
   * @throws {Error} when it is no good, or the port was opened without TLS
   */
  renew(identity: TlsIdentity): void;
}

/** What is open behind the port. */
interface Open {
  readonly sockets: Set<Socket>;
  readonly sessions: Set<ServerHttp2Session>;
  /**
   * The HTTP/1.1 replies that each socket waits for. Not in it are sockets of HTTP/2, and those that
   * carry a socket of TLS, which stands for them.
   */
  readonly waiting: Map<Socket, Set<HttpReply>>;
  closing: boolean;
}

/**
 * Opens the port; 0 takes a free one.
 *
 * @param options.tls null serves in the clear
 * @throws {Error} whose message says why the address can't be had and what to do
 */
export async function openPort(options: {
  readonly host: string;
  readonly port: number;
  readonly handler: HttpHandler;
  readonly tls?: TlsIdentity | null;
  readonly bounds?: PortBounds;
}): Promise<Port> {
  const { host, port, handler, tls = null, bounds = limits } = options;
  const open: Open = { sockets: new Set(), sessions: new Set(), waiting: new Map(), closing: false };
  const http1 = createHttp1(open, handler, bounds);
  const http2 = createHttp2(open, handler, bounds);

  const join = (socket: Socket, version: 1 | 2) => {
    if (version === 2) {
      open.waiting.delete(socket);
    }
    (version === 2 ? http2 : http1).emit("connection", socket);
  };
  const door =
    tls === null
      ? null
      : createTlsDoor(tls, bounds.silent_socket_ms, (socket, carrier) => {
          if (carrier !== undefined) {
            open.waiting.delete(carrier);
          }
          admit(open, socket);
          if (socket.alpnProtocol === "h2") {
            join(socket, 2);
          } else {
            greet(socket, bounds.silent_socket_ms, () => join(socket, 1));
          }
        });

  // Without noDelay a peer that delays its acknowledgements stalls every small reply for 40 ms.
  const keepAlive = { keepAlive: true, keepAliveInitialDelay: bounds.ping_ms };
  const server = createServer({ noDelay: true, ...keepAlive }, (socket) => {
    admit(open, socket);
    greet(socket, bounds.silent_socket_ms, (speech) => {
      if (door === null) {
        // A handshake is no HTTP, and is told so.
        join(socket, speech === 2 ? 2 : 1);
      } else if (speech === "tls") {
        door.take(socket);
      } else {
        refusePlaintext(socket, speech, bounds.linger_ms);
      }
    });
  });
  server.maxConnections = bounds.connections;
  await listen(server, host, port);
  // Arms the timer that looks for slow requests, which waits for a "listening" that never comes here.
  http1.emit("listening");

  const { address, port: actual } = server.address() as AddressInfo;
  let closed: Promise<void> | null = null;
  return {
    address: { host: address, port: actual },
    connections: () => open.sockets.size,
    close(grace_ms) {
      closed ??= close(server, open, grace_ms).finally(() => http1.close());
      return closed;
    },
    renew(identity) {
      if (door === null) {
        throw new Error("the port was opened without TLS");
      }
      door.renew(identity);
    },
  };
}

/** Keeps count of a socket as long as it is open. */
function admit(open: Open, socket: Socket): void {
  open.sockets.add(socket);
  open.waiting.set(socket, new Set());
  socket.once("close", () => {
    open.sockets.delete(socket);
    open.waiting.delete(socket);
  });
  // A peer that resets its connection is no fault of ours; "close" follows.
  socket.on("error", () => {});
}

function createHttp1(open: Open, handler: HttpHandler, bounds: PortBounds): Http1Server {
  const options = {
    maxHeaderSize: bounds.headers_bytes,
    headersTimeout: bounds.headers_ms,
    requestTimeout: bounds.request_ms,
    keepAliveTimeout: bounds.idle_connection_ms,
    connectionsCheckingInterval: bounds.connection_check_ms,
  };
  const answer: HttpHandler = (request, reply) => {
    const replies = open.waiting.get(request.socket);
    replies?.add(reply);
    reply.once("close", () => replies?.delete(reply));
    dropRemains(request, reply, bounds.remains_ms);
    if (open.closing) {
      closeAfter(request.socket, reply);
    }
    handler(request, reply);
  };
  const server = createHttp1Server(options, answer);
  // A client that asks before it sends its body is told to go on unless it is too long anyway: then
  // the refusal reaches it with nothing sent.
  server.on("checkContinue", (request, reply) => {
    if (!(Number(request.headers["content-length"]) > bounds.request_body_bytes)) {
      reply.writeContinue();
    }
    answer(request, reply);
  });
  return server;
}

function createHttp2(open: Open, handler: HttpHandler, bounds: PortBounds): Http2Server {
  const options = {
    maxSessionMemory: bounds.session_memory_mib,
    settings: {
      maxConcurrentStreams: bounds.streams_per_connection,
      maxHeaderListSize: bounds.headers_bytes,
      enablePush: false,
    },
  };
  const server = createHttp2Server(options, (request, reply) => {
    dropRemains(request, reply, bounds.remains_ms);
    cutSlowRequest(request, reply, bounds.request_ms);
    if (headerBytes(request) > bounds.headers_bytes) {
      reply.statusCode = 431;
      reply.end();
    } else {
      handler(request, reply);
    }
  });
  server.on("session", (session) => {
    open.sessions.add(session);
    session.once("close", () => open.sessions.delete(session));
    tendSession(session, bounds);
    if (open.closing) {
      session.close();
    }
  });
  return server;
}

/** The setting binds a client only once it has acknowledged it, which one that attacks never does. */
function headerBytes(request: HttpRequest): number {
  return request.rawHeaders.reduce((sum, each) => sum + each.length, 0);
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(new Error(reasonNotToListen(error, host, port), { cause: error })),
    );
    server.listen({ host, port }, resolve);
  });
}

function reasonNotToListen(error: NodeJS.ErrnoException, host: string, port: number): string {
  switch (error.code) {
    case "EADDRINUSE":
      return `port ${port} on ${host} is in use: stop the other process or choose another with --listen`;
    case "EACCES":
      return `port ${port} on ${host} is not allowed to this user: choose one from 1024 up with --listen`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return `${host} is no address of this machine: choose another with --listen, for example 127.0.0.1`;
    default:
      return `cannot listen on port ${port} of ${host}: ${error.message}; choose another with --listen`;
  }
}

/** Closes what has nothing under way at once, and the rest when that is done or the time is over. */
async function close(server: Server, open: Open, grace_ms: number): Promise<void> {
  open.closing = true;
  const all_closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const session of open.sessions) {
    // Sends GOAWAY and lets the streams that there are come to their end.
    session.close();
  }
  for (const socket of open.sockets) {
    const replies = open.waiting.get(socket);
    for (const reply of replies ?? []) {
      closeAfter(socket, reply);
    }
    if (replies?.size === 0) {
      socket.destroy();
    }
  }
  const timer = setTimeout(() => {
    for (const socket of open.sockets) {
      socket.destroy();
    }
  }, grace_ms);
  await all_closed;
  clearTimeout(timer);
}

/** Lets an HTTP/1.1 connection end with this reply. */
function closeAfter(socket: Socket, reply: HttpReply): void {
  if (!reply.headersSent) {
    reply.setHeader("connection", "close");
  }
  reply.once("finish", () => socket.destroySoon());
}
