/** The enums of the wire as words. A newer server may send numbers that have none here. */
import { HaltEvidence, OnLeaseLost, SessionStatus, StopReason } from "../gen/killcord/v1/session_pb.js";

/** Where a session stands. Killed, expired and ended are final. */
export type SessionStatusWord = "active" | "paused" | "killed" | "expired" | "ended" | (string & {});

/**
 * Why a session was stopped. The library gives two of its own: access_denied for a key that is refused,
 * session_not_found for a session that the server does not know.
 */
export type StopReasonWord =
  | "manual"
  | "budget_exceeded"
  | "ttl_expired"
  | "idle_timeout"
  | "lease_lost"
  | "credential_revoked"
  | "agent_revoked"
  | "halted"
  | "parent_stopped"
  | "drill"
  | "access_denied"
  | "session_not_found"
  | (string & {});

/** How it is known that the work has ended. */
export type EvidenceWord = "tasks_cancelled" | "process_exit" | "group_empty";

/** What becomes of a session whose lease is lost. */
export type OnLeaseLostWord = "kill" | "pause" | "continue";

export const evidence_codes: Readonly<Record<EvidenceWord, HaltEvidence>> = {
  tasks_cancelled: HaltEvidence.TASKS_CANCELLED,
  process_exit: HaltEvidence.PROCESS_EXIT,
  group_empty: HaltEvidence.GROUP_EMPTY,
};

export const on_lease_lost_codes: Readonly<Record<OnLeaseLostWord, OnLeaseLost>> = {
  kill: OnLeaseLost.KILL,
  pause: OnLeaseLost.PAUSE,
  continue: OnLeaseLost.CONTINUE,
};

export function statusWord(status: SessionStatus): SessionStatusWord {
  return SessionStatus[status]?.toLowerCase() ?? `unknown_${status}`;
}

export function stopReasonWord(reason: StopReason): StopReasonWord | undefined {
  if (reason === StopReason.UNSPECIFIED) return undefined;
  return StopReason[reason]?.toLowerCase() ?? `unknown_${reason}`;
}

export function isTerminal(status: SessionStatus): boolean {
  return (
    status === SessionStatus.KILLED || status === SessionStatus.EXPIRED || status === SessionStatus.ENDED
  );
}
