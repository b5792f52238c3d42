/**
 * Judges actions in a world that nobody lives in: the same rules, a state of its own, a clock that is
 * told. For whoever wants to know what would be said, without sealing or counting anything.
 */
import { system_actor } from "../core/actor.js";
import type { Command, Intercept, StartSession } from "../core/command.js";
import { decide } from "../core/decide.js";
import type { Decision } from "../core/decision.js";
import type { EnforcementDecision } from "../core/event.js";
import type { Amounts, Consumed } from "../core/event-parts.js";
import { evolve } from "../core/evolve.js";
import type { JsonObject } from "../core/policy/document.js";
import type { Policy } from "../core/policy/policy.js";
import { emptyState, type Session, type State } from "../core/state.js";
import { policySetDigest } from "../engine/digest.js";
import { Loops } from "../engine/loops.js";
import { KillcordError } from "./errors.js";

/** An action to judge. */
export interface TrialAction {
  readonly action_type: string;
  readonly content: string | null;
  readonly metadata: JsonObject | null;
  readonly cost: Amounts | null;
  readonly estimate: Amounts | null;
  /** Of one without a session. */
  readonly agent_id: string | null;
}

/** What an action is answered. */
export interface Judged {
  readonly decision: EnforcementDecision;
  /** Ids of the policies that were looked at. */
  readonly evaluated: readonly string[];
}

/** A policy of a trial: an id, a version, what it says. */
export type TrialPolicy = Pick<Policy, "document" | "version">;

const unnamed = { actor: system_actor, request_id: null, repeat: null } as const;

/** A session of a trial, as it starts. */
export type TrialSession = Omit<
  StartSession,
  | keyof typeof unnamed
  | "type"
  | "at"
  | "session_id"
  | "credential_id"
  | "parent_session_id"
  | "lease_seconds"
  | "on_lease_lost"
  | "drill_id"
>;

/** A session that nobody named, without a budget. */
export const plain_session: TrialSession = {
  agent_id: null,
  label: null,
  max_actions: null,
  max_tokens: null,
  max_cost_usd_micros: null,
  ttl_seconds: null,
  idle_timeout_seconds: null,
  on_exceeded: "terminate",
  max_depth: null,
  max_concurrent: null,
  warn_at_percent: [],
};

/** A world with some policies, and time that goes on as it is told: milliseconds since 1970. */
export class Trial {
  readonly state: State = emptyState();
  readonly #loops = new Loops(this.state);

  constructor(policies: readonly TrialPolicy[], at: number) {
    const policy_set_digest = digestOf(policies);
    for (const { document, version } of policies) {
      evolve(this.state, {
        event: "policy_changed",
        at,
        actor: system_actor,
        change: "deployed",
        policy_id: document.policy_id,
        version,
        policy: document,
        policy_set_digest,
      });
    }
  }

  /**
   * Starts a session.
   *
   * @throws {KillcordError} what the start is refused with
   */
  start(session: TrialSession, at: number): Session {
    const session_id = `sess_${this.state.sessions.size + 1}`;
    this.#carryOut({
      type: "start_session",
      at,
      session_id,
      credential_id: null,
      parent_session_id: null,
      lease_seconds: null,
      on_lease_lost: null,
      ...session,
      ...unnamed,
    });
    return this.state.sessions.get(session_id) as Session;
  }

  /** Lets a session have used something before. */
  spend(session: Session, { actions, tokens, cost_usd_micros }: Consumed): void {
    session.actions.spent += actions;
    session.tokens.spent += tokens;
    session.cost_usd_micros.spent += cost_usd_micros;
  }

  /** Judges an action, which is then one that came before the next; of a session, or of none. */
  ask(action: TrialAction, session: Session | null, at: number): Judged {
    const intercept = interceptOf(action, session?.session_id ?? null, at);
    return judgedBy(this.#carryOut({ ...intercept, loops: this.#loops.found(intercept, at) }));
  }

  #carryOut(command: Command): Decision {
    const decision = decide(this.state, command);
    for (const event of decision.events) {
      evolve(this.state, event);
    }
    this.#loops.onDecided(decision.events);
    if (decision.reply.type === "refused") {
      throw new KillcordError(decision.reply.code, decision.reply.message);
    }
    return decision;
  }
}

/** The SHA-256 of which versions a set has, as decisions seal it. */
export function digestOf(policies: readonly TrialPolicy[]): string {
  return policySetDigest(
    policies
      .filter(({ document }) => document.enabled)
      .map(({ document, version }): readonly [string, number] => [document.policy_id, version])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** The command of an action that is only tried. */
export function interceptOf(action: TrialAction, session_id: string | null, at: number): Intercept {
  return {
    type: "intercept",
    at,
    session_id,
    agent_id: action.agent_id,
    action_type: action.action_type,
    chain: null,
    cost: action.cost,
    estimate: action.estimate,
    content: action.content,
    metadata: action.metadata,
    action_digest: null,
    action_length: null,
    details_digest: null,
    latency_us: 0,
    ...unnamed,
  };
}

/**
 * What a decision on an action says.
 *
 * @throws {KillcordError} what it was refused with
 */
export function judgedBy({ reply, events }: Decision): Judged {
  if (reply.type === "refused") {
    throw new KillcordError(reply.code, reply.message);
  }
  const decision = events.find((event) => event.event === "enforcement_decision");
  if (decision === undefined) {
    throw new KillcordError(
      "session_not_active",
      "the session stopped long ago, and says terminate to everything",
    );
  }
  return { decision, evaluated: reply.type === "verdict" ? (reply.evaluated ?? []) : [] };
}
