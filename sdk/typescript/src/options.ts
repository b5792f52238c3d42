/** What a session can be given, and how it is checked: a mistyped limit would be no limit. */
import type { JsonObject } from "@bufbuild/protobuf";
import { KillcordError } from "./errors.js";
import { type OnLeaseLostWord, on_lease_lost_codes } from "./words.js";

/** The limits of a session. An absent one is no limit; with none at all the server sets an idle time of a day. */
export interface Budgets {
  /** Number of actions: with N, action N+1 is the first that stops the session. */
  readonly maxActions?: number;
  /** Seconds from the start, 1 to 31536000. */
  readonly ttlSeconds?: number;
  /** Seconds without an intercept, 1 to 31536000. */
  readonly idleTimeoutSeconds?: number;
}

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
  /** Makes a repeat the same action, counted once. Default: a new one for each call. */
  readonly idempotencyKey?: string;
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
  "failOpen",
  "timeoutMs",
  "supervisor",
]);
const budget_names: ReadonlySet<string> = new Set<keyof Budgets>([
  "maxActions",
  "ttlSeconds",
  "idleTimeoutSeconds",
]);
const action_names: ReadonlySet<string> = new Set<keyof Action>([
  "content",
  "metadata",
  "chainId",
  "chainStep",
  "parentDecisionId",
  "idempotencyKey",
]);

/** @throws {KillcordError} invalid_argument, for what the types would have refused too */
export function sessionPlan(options: StartOptions, parent_session_id: string | undefined): SessionPlan {
  knownOnly("startSession", options, start_names);
  const { budgets = {}, leaseSeconds = 30, onLeaseLost = "kill", whenPaused = "throw" } = options;
  const { graceSeconds = 5, timeoutMs = 5000 } = options;
  knownOnly("budgets", budgets, budget_names);
  for (const [name, value] of Object.entries(budgets)) {
    if (value !== undefined) whole(`budgets.${name}`, value, 0, Number.MAX_SAFE_INTEGER);
  }
  if (leaseSeconds !== null) whole("leaseSeconds", leaseSeconds, 2, 300);
  if (!Object.hasOwn(on_lease_lost_codes, onLeaseLost)) throw invalid("onLeaseLost", onLeaseLost);
  if (whenPaused !== "throw" && whenPaused !== "wait") throw invalid("whenPaused", whenPaused);
  if (!(graceSeconds >= 0)) throw invalid("graceSeconds", graceSeconds);
  if (!(timeoutMs > 0)) throw invalid("timeoutMs", timeoutMs);
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
    fails_open: options.failOpen === true,
    timeout_ms: timeoutMs,
    supervisor: options.supervisor === true,
  };
}

/** @throws {KillcordError} invalid_argument */
export function checkAction(action: Action): void {
  knownOnly("intercept", action, action_names);
}

function knownOnly(where: string, value: object, names: ReadonlySet<string>): void {
  const unknown = Object.keys(value).find((name) => !names.has(name));
  if (unknown !== undefined) {
    throw new KillcordError(
      "invalid_argument",
      `${where} has no option ${unknown}: there are ${[...names].join(", ")}`,
    );
  }
}

function whole(name: string, value: unknown, min: number, max: number): void {
  if (!Number.isSafeInteger(value) || (value as number) < min || (value as number) > max) {
    throw new KillcordError(
      "invalid_argument",
      `${name} is ${value}: it must be a whole number, ${min} to ${max}`,
    );
  }
}

function invalid(name: string, value: unknown): KillcordError {
  return new KillcordError("invalid_argument", `${name} cannot be ${JSON.stringify(value)}`);
}
