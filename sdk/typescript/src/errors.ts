/**
 * What this library throws. An error is never a permission: whoever catches one of these has not been
 * allowed to do what it asked for.
 */
import type { SessionStatusWord, StopReasonWord } from "./words.js";

/** The base of all errors here. */
export class KillcordError extends Error {
  /** A code of docs/errors.md, as the server or this library gives it. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** No answer came from the server in time, however often it was asked. */
export class ServerUnreachable extends KillcordError {}

/** The server does not take the key, or the key may not do this. It is not tried again. */
export class AccessDenied extends KillcordError {}

/** How a session came to its end. */
export interface Termination {
  readonly sessionId: string;
  /** killed, expired or ended. */
  readonly status: SessionStatusWord;
  /** Absent for a session that merely ended. */
  readonly stopReason: StopReasonWord | undefined;
  /** Text for people; empty for a session that merely ended. */
  readonly reason: string;
  /** The stop, as the server names it; absent while only this library knows of it (a lost lease). */
  readonly haltId: string | undefined;
}

/** The session is over: every action is refused from here on, and the work has to end. */
export class SessionTerminated extends KillcordError implements Termination {
  readonly sessionId: string;
  readonly status: SessionStatusWord;
  readonly stopReason: StopReasonWord | undefined;
  readonly reason: string;
  readonly haltId: string | undefined;

  constructor(how: Termination) {
    const why = how.stopReason === undefined ? "" : ` (${how.stopReason})`;
    super(
      "session_terminated",
      `session ${how.sessionId} ${how.status}${why}${how.reason === "" ? "" : `: ${how.reason}`}`,
    );
    this.sessionId = how.sessionId;
    this.status = how.status;
    this.stopReason = how.stopReason;
    this.reason = how.reason;
    this.haltId = how.haltId;
  }
}

/** A policy that had a say in a verdict. */
export interface Policy {
  /** 32 hex digits; those of the server itself have names that begin with `__`. */
  readonly policyId: string;
  readonly name: string;
  readonly reason: string;
  /** What it asked for: allow, block, escalate or terminate. */
  readonly decision: string;
  /** The version of it that judged; absent for those of the server itself. */
  readonly version: number | undefined;
}

/** What a refusal of one action says. */
export interface Refusal {
  /** The action that was asked for; empty for a guard. */
  readonly actionType: string;
  /** Why, as text for people. */
  readonly reasoning: string;
  /** `enf_` and 12 hex digits; empty where no decision was asked for. */
  readonly decisionId: string;
  readonly policies: readonly Policy[];
  /** What to do about it, as text for people; empty where nobody said. */
  readonly nextStep: string;
}

/** The action must not be done; the run goes on. */
export class ActionBlocked extends KillcordError implements Refusal {
  readonly actionType: string;
  readonly reasoning: string;
  readonly decisionId: string;
  readonly policies: readonly Policy[];
  readonly nextStep: string;

  constructor(refusal: Refusal, code = "action_blocked", message = `blocked: ${described(refusal)}`) {
    super(code, message);
    this.nextStep = refusal.nextStep;
    this.actionType = refusal.actionType;
    this.reasoning = refusal.reasoning;
    this.decisionId = refusal.decisionId;
    this.policies = refusal.policies;
  }
}

/** The session is held: nothing is allowed until it is resumed. */
export class SessionPaused extends ActionBlocked {
  constructor(refusal: Refusal) {
    super(refusal, "session_paused", `paused: ${described(refusal)}`);
  }
}

/** The action must not be done before a person has approved it. */
export class ActionEscalated extends KillcordError implements Refusal {
  readonly actionType: string;
  readonly reasoning: string;
  readonly decisionId: string;
  readonly policies: readonly Policy[];
  readonly nextStep: string;
  /** `esc_` and 12 hex digits: what is approved. Repeat the same action with it when it is. */
  readonly escalationId: string;

  constructor(refusal: Refusal, escalation_id: string) {
    super("action_escalated", `a person has to approve it: ${described(refusal)}`);
    this.actionType = refusal.actionType;
    this.reasoning = refusal.reasoning;
    this.decisionId = refusal.decisionId;
    this.policies = refusal.policies;
    this.nextStep = refusal.nextStep;
    this.escalationId = escalation_id;
  }
}

function described({ actionType, reasoning }: Refusal): string {
  return actionType === "" ? reasoning : `${actionType}: ${reasoning}`;
}
