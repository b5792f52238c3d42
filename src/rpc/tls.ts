/** Brings new connections from their TLS handshake to a version of HTTP. */
import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";

/** What the server shows of itself, each in PEM. */
export interface TlsIdentity {
  /** The certificate, with those that lead from it to the root. */
  readonly cert: Buffer;
  readonly key: Buffer;
  /** The authorities of which every client must bring a certificate; null asks clients for none. */
  readonly client_ca: Buffer | null;
}

/** A TLS handshake under way, and what it is replaced by when it is done. */
export interface TlsDoor {
  /** Begins the handshake on a socket whose bytes are all still to be read. */
  take(socket: Socket): void;
  /** Shows another identity to connections that begin from now on. @throws {Error} when it is no good */
  renew(identity: TlsIdentity): void;
}

/**
 * Makes the door. `welcome` gets each socket whose handshake is done, and the socket that carries it;
 * its `alpnProtocol` is `h2`, `http/1.1`, or false of a client that does not say.
 *
 * @param handshake_ms a handshake that takes longer is cut, however its bytes drip
 * @throws {Error} when the identity is no good
 */
export function createTlsDoor(
  identity: TlsIdentity,
  handshake_ms: number,
  welcome: (socket: TLSSocket, carrier: Socket | undefined) => void,
): TlsDoor {
  const carriers = new Map<string, Socket>();
  const server: Server = createServer({
    ...contextOf(identity),
    ALPNProtocols: ["h2", "http/1.1"],
    handshakeTimeout: handshake_ms,
    requestCert: identity.client_ca !== null,
    rejectUnauthorized: identity.client_ca !== null,
  });
  server.on("secureConnection", (socket) => {
    const name = nameOf(socket);
    const carrier = carriers.get(name);
    carriers.delete(name);
    welcome(socket, carrier);
  });
  // A handshake that took too long is told here and otherwise left open.
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  return {
    take(socket) {
      const name = nameOf(socket);
      carriers.set(name, socket);
      socket.once("close", () => {
        if (carriers.get(name) === socket) {
          carriers.delete(name);
        }
      });
      server.emit("connection", socket);
    },
    renew: (next) => server.setSecureContext(contextOf(next)),
  };
}

function contextOf({ cert, key, client_ca }: TlsIdentity) {
  return { cert, key, minVersion: "TLSv1.2" as const, ...(client_ca === null ? {} : { ca: client_ca }) };
}

/** Both ends of a connection: no two that are open at a time have the same. */
function nameOf(socket: Socket): string {
  return [socket.remoteAddress, socket.remotePort, socket.localAddress, socket.localPort].join(" ");
}
