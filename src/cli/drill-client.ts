/** The client of a drill: over a connection of its own to the server's own port, as any program's. */
import { X509Certificate } from "node:crypto";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { ConnectError } from "@connectrpc/connect";
import { HaltEvidence, HaltPhase } from "../../gen/killcord/v1/session_pb.js";
import { limits } from "../limits.js";
import type { TlsIdentity } from "../rpc/tls.js";
import type { DrillClient } from "../services/rehearsal.js";
import { connect } from "./client.js";
import { fromCall } from "./failure.js";
import { isTerminal } from "./session-view.js";

/**
 * Opens one.
 *
 * @param url of the server's own port, on this machine
 * @param identity what the server shows of itself now; null in the clear
 */
export function openDrillClient(url: string, secret: string, identity: TlsIdentity | null): DrillClient {
  const { sessions, release } = connect(url, secret, (authority) => socketTo(authority, identity));
  const leaving = new AbortController();
  const { signal } = leaving;
  const told = (error: unknown) => (error instanceof ConnectError ? fromCall(error, url) : error);
  const call = async <T>(reply: Promise<T>): Promise<T> => {
    try {
      return await reply;
    } catch (error) {
      throw told(error);
    }
  };
  return {
    start: async (agentId, label) => {
      const budgets = { ttlSeconds: BigInt(limits.drill_session_seconds) };
      const { session } = await call(sessions.startSession({ agentId, label, budgets }, { signal }));
      return session?.sessionId ?? "";
    },
    stopped: async (sessionId, ready) => {
      try {
        for await (const { update } of sessions.watchSession({ sessionId }, { signal, timeoutMs: 0 })) {
          if (update.case === "session" && isTerminal(update.value.status)) {
            return update.value.haltId ?? "";
          }
          ready();
        }
      } catch (error) {
        throw told(error);
      }
      throw new Error("its watch ended before that");
    },
    acknowledge: async (sessionId, haltId, phase) => {
      const said =
        phase === "stopping"
          ? { phase: HaltPhase.STOPPING }
          : { phase: HaltPhase.STOPPED, evidence: HaltEvidence.TASKS_CANCELLED };
      await call(sessions.acknowledgeHalt({ sessionId, haltId, ...said }, { signal }));
    },
    close: () => {
      leaving.abort();
      release();
    },
  };
}

/**
 * Who answers must show the very certificate that this server shows: its name is that of another
 * address than the one on this machine, and its authority need not be known here. That is decided inside
 * the handshake: an HTTP/2 session whose socket is gone when it is done takes the whole process with it.
 */
function socketTo(authority: URL, identity: TlsIdentity | null): Socket {
  const host = authority.hostname.replace(/^\[|\]$/g, "");
  const port = Number(authority.port);
  if (identity === null) {
    return connectTcp({ host, port });
  }
  const own = new X509Certificate(identity.cert).fingerprint256;
  // A server that wants certificates of its clients takes its own, if its authorities signed that too.
  const shown = identity.client_ca === null ? {} : { cert: identity.cert, key: identity.key };
  return connectTls({
    host,
    port,
    servername: isIP(host) === 0 ? host : "",
    ALPNProtocols: ["h2"],
    ca: identity.cert,
    allowPartialTrustChain: true,
    checkServerIdentity: (_, { fingerprint256 }) =>
      fingerprint256 === own ? undefined : new Error("it shows another certificate than this server"),
    ...shown,
  });
}
