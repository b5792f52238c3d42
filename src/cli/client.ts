/** The one way in which commands talk to a server: Connect over HTTP/2, with the key in a header. */
import type { Socket } from "node:net";
import { type Client, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { CredentialService } from "../../gen/killcord/v1/credential_pb.js";
import { EnforcementService } from "../../gen/killcord/v1/enforcement_pb.js";
import { EscalationService } from "../../gen/killcord/v1/escalation_pb.js";
import { HaltService } from "../../gen/killcord/v1/halt_pb.js";
import { KeyService } from "../../gen/killcord/v1/key_pb.js";
import { PolicyService } from "../../gen/killcord/v1/policy_pb.js";
import { SessionService } from "../../gen/killcord/v1/session_pb.js";
import { VaultService } from "../../gen/killcord/v1/vault_pb.js";
import { socketTo } from "../../sdk/typescript/src/socket-to.js";
import { limits } from "../limits.js";
import { type AccessOptions, default_url, findKey, isLoopback, serverUrl } from "./access.js";
import { client_limits } from "./client-limits.js";
import { fromCall } from "./failure.js";
import { note } from "./output.js";

/** A server, with a client for each of its services. */
export interface Server {
  readonly url: string;
  readonly sessions: Client<typeof SessionService>;
  readonly enforcement: Client<typeof EnforcementService>;
  readonly halts: Client<typeof HaltService>;
  readonly escalations: Client<typeof EscalationService>;
  readonly credentials: Client<typeof CredentialService>;
  readonly keys: Client<typeof KeyService>;
  readonly policies: Client<typeof PolicyService>;
  readonly vault: Client<typeof VaultService>;
  /**
   * Lets the process end in spite of the connection. Closing it instead would be a risk: a stream
   * that was left unread keeps a session for ever, and Http2SessionManager.abort in the moment of a
   * failure leaves that failure to nobody, of which the process dies.
   */
  release(): void;
}

/**
 * Makes the clients; the first call connects, by a socket that `openSocket` begins to open. Unary calls end after limits.call_ms; give streams
 * `timeoutMs: 0`.
 */
export function connect(
  url: string,
  key: string | null,
  openSocket: (authority: URL) => Socket = socketTo,
): Server {
  const sockets: Socket[] = [];
  const connection = new Http2SessionManager(
    url,
    { pingIntervalMs: limits.bookmark_ms_max, idleConnectionTimeoutMs: client_limits.client_idle_ms },
    {
      createConnection: (authority) => {
        const socket = openSocket(authority);
        sockets.push(socket);
        return socket;
      },
    },
  );
  const transport = createConnectTransport({
    baseUrl: url,
    httpVersion: "2",
    sessionManager: connection,
    interceptors: key === null ? [] : [withKey(key)],
    defaultTimeoutMs: limits.call_ms,
    readMaxBytes: limits.reply_bytes,
  });
  return {
    url,
    sessions: createClient(SessionService, transport),
    enforcement: createClient(EnforcementService, transport),
    halts: createClient(HaltService, transport),
    escalations: createClient(EscalationService, transport),
    credentials: createClient(CredentialService, transport),
    keys: createClient(KeyService, transport),
    policies: createClient(PolicyService, transport),
    vault: createClient(VaultService, transport),
    release: () => {
      for (const socket of sockets) socket.unref();
    },
  };
}

/** Runs `work` with the server that the options name, and tells its errors as failures. */
export async function withServer(
  options: AccessOptions,
  work: (server: Server) => Promise<void>,
): Promise<void> {
  // A variable that is set to nothing means what an unset one means.
  const url = serverUrl(options.url || default_url);
  const key = findKey(options, url);
  if (key !== null && url.protocol === "http:" && !isLoopback(url) && options.json !== true) {
    note(`the API key travels to ${url.host} unencrypted: use https:// if the server has TLS`);
  }
  const address = url.href.replace(/\/$/, "");
  const server = connect(address, key);
  try {
    await work(server);
  } catch (error) {
    throw error instanceof ConnectError ? fromCall(error, address) : error;
  } finally {
    server.release();
  }
}

function withKey(key: string): Interceptor {
  return (next) => async (request) => {
    request.header.set("X-API-Key", key);
    return await next(request);
  };
}
