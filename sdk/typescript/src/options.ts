/** What a session can be given, and how it is checked: a mistyped limit would be no limit. */
import type { JsonObject } from "@bufbuild/protobuf";
import { type Budgets, checkBudgets } from "./budgets.js";
import { knownOnly, refusedOption, whole } from "./checks.js";
import type { Cost } from "./money.js";
import { type OnLeaseLostWord, on_lease_lost_codes } from "./words.js";

/** How a session is opened. */
export interface StartOptions {
  /** The agent's name; a credential brings its own. */
  readonly agentId?: string;
  /** A display string; sealed for ever, so no personal data. */
  readonly label?: string;
  readonly budgets?: Budgets;
  /** Binds the session to this credential. */
  readonly credentialId?: string;
  /** Makes it a sub-session; null for none. Default: KILLCORD_SESSION_ID, which `killcord run` sets. */
  readonly parentSessionId?: string | null;
  /**
   * Seconds, 2 to 300, that the run may go on without an answer of the server; null for as long as it
   * likes. Default 30.
   */
  readonly leaseSeconds?: number | null;
  /** What becomes of the session when its lease is lost. Default kill. */
  readonly onLeaseLost?: OnLeaseLostWord;
  /** Seconds that work may take to end after a stop, before its delay is told. Default 5. */
  readonly graceSeconds?: number;
  /** Whether a held session throws, or waits until it goes on. Default throw. */
  readonly whenPaused?: "throw" | "wait";
  /**
   * Whether an action that a person has to approve is waited for, until it is approved, rejected or
   * expired, or throws {@link ActionEscalated}. Default wait.
   */
  readonly onEscalate?: "wait" | "throw";
  /**
   * Whether an intercept is allowed while the server does not answer. Default false. Each such allow is
   * told in a warning; a known stop is never passed, and the lease runs on.
   */
  readonly failOpen?: boolean;
  /** Milliseconds for the start, each intercept and the end, with all tries. Default 5000. */
  readonly timeoutMs?: number;
  /** Whether this process stands beside the run, as `killcord run` does, and speaks of what it sees. Default false. */
  readonly supervisor?: boolean;
}

/** One action that is asked for. */
export interface Action {
  /** What it will do, as text, at most 256 KiB. Only a salted digest is kept. */
  readonly content?: string;
  /** Facts about it, at most 64 KiB as JSON. Sealed as erasable details. */
  readonly metadata?: JsonObject;
  /** The caller's id of a chain of actions. */
  readonly chainId?: string;
  /** Its place in the chain, 0 and up; needs chainId. */
  readonly chainStep?: number;
  /** The decision that led to it. */
  readonly parentDecisionId?: string;
  /** What it costs: charged by an allow, to the session and to those above it. Not beside `estimate`. */
  readonly cost?: Cost;
  /** What it may cost: held by an allow, until it is settled or cancelled. `reserve` and `spend` see to that. */
  readonly estimate?: Cost;
  /** An approval that was given for this same action. */
  readonly escalationId?: string;
  /** Makes a repeat the same action, counted once. Default: a new one for each call. */
  readonly idempotencyKey?: string;
  /** Ends the call, and the wait for an approval or a resume; what is thrown is its reason. */
  readonly signal?: AbortSignal;
}

/** StartOptions, checked and with their defaults. */
export interface SessionPlan {
  readonly agent_id: string | undefined;
  readonly label: string | undefined;
  readonly budgets: Budgets;
  readonly credential_id: string | undefined;
  readonly parent_session_id: string | undefined;
  readonly lease_seconds: number | null;
  readonly on_lease_lost: OnLeaseLostWord;
  readonly grace_ms: number;
  readonly waits_when_paused: boolean;
  readonly waits_when_escalated: boolean;
  readonly fails_open: boolean;
  readonly timeout_ms: number;
  readonly supervisor: boolean;
}

const start_names: ReadonlySet<string> = new Set<keyof StartOptions>([
  "agentId",
  "label",
  "budgets",
  "credentialId",
  "parentSessionId",
  "leaseSeconds",
  "onLeaseLost",
  "graceSeconds",
  "whenPaused",
  "onEscalate",
  "failOpen",
  "timeoutMs",
  "supervisor",
]);
const action_names: ReadonlySet<string> = new Set<keyof Action>([
  "content",
  "metadata",
  "chainId",
  "chainStep",
  "parentDecisionId",
  "cost",
  "estimate",
  "escalationId",
  "idempotencyKey",
  "signal",
]);

/** @throws {KillcordError} invalid_argument, for what the types would have refused too */
export function sessionPlan(options: StartOptions, parent_session_id: string | undefined): SessionPlan {
  knownOnly("startSession", options, start_names);
  const { budgets = {}, leaseSeconds = 30, onLeaseLost = "kill", whenPaused = "throw" } = options;
  const { graceSeconds = 5, timeoutMs = 5000, onEscalate = "wait" } = options;
  checkBudgets(budgets);
  if (leaseSeconds !== null) whole("leaseSeconds", leaseSeconds, 2, 300);
  if (!Object.hasOwn(on_lease_lost_codes, onLeaseLost)) throw refusedOption("onLeaseLost", onLeaseLost);
  if (whenPaused !== "throw" && whenPaused !== "wait") throw refusedOption("whenPaused", whenPaused);
  if (onEscalate !== "throw" && onEscalate !== "wait") throw refusedOption("onEscalate", onEscalate);
  if (!(graceSeconds >= 0)) throw refusedOption("graceSeconds", graceSeconds);
  if (!(timeoutMs > 0)) throw refusedOption("timeoutMs", timeoutMs);
  return {
    agent_id: options.agentId,
    label: options.label,
    budgets,
    credential_id: options.credentialId,
    parent_session_id:
      options.parentSessionId === undefined ? parent_session_id : (options.parentSessionId ?? undefined),
    lease_seconds: leaseSeconds,
    on_lease_lost: onLeaseLost,
    grace_ms: graceSeconds * 1000,
    waits_when_paused: whenPaused === "wait",
    waits_when_escalated: onEscalate === "wait",
    fails_open: options.failOpen === true,
    timeout_ms: timeoutMs,
    supervisor: options.supervisor === true,
  };
}

/** @throws {KillcordError} invalid_argument */
export function checkAction(action: Action): void {
  knownOnly("intercept", action, action_names);
}
