/**
 * Why a sealed decision is what it is: from the log up to it, so with the policies, budgets and orders of
 * then. Nothing is judged again; what was sealed is put beside what was in force.
 */
import { ttlDeadline } from "../core/budget.js";
import type { EnforcementDecision, Event } from "../core/event.js";
import type { PolicyTriggered } from "../core/event-parts.js";
import { evolve } from "../core/evolve.js";
import { forgetBeyond } from "../core/evolve-session.js";
import { paused_policy } from "../core/intercept.js";
import type { PolicyDocument } from "../core/policy/document.js";
import { setOf } from "../core/policy/set.js";
import { pathFromRoot } from "../core/scope.js";
import type { SessionPause } from "../core/session-parts.js";
import { emptyState, type Session, type State } from "../core/state.js";
import { limits } from "../limits.js";
import { fromContent } from "./content.js";
import type { ReplayedEntry } from "./policy-replay.js";
import { before_policies, type Step, stepOf } from "./precedence.js";

/** A policy that had a say, as it was then. */
export interface ExplainedPolicy extends PolicyTriggered {
  /** The entry that set this version; null for a built-in one. */
  readonly sequence_number: number | null;
  readonly document: PolicyDocument | null;
}

/** An entry that the decision follows from, nearest first. */
export interface ExplainedCause {
  readonly sequence_number: number;
  readonly event: string;
  /** Null where the entry is too far back to be known still. */
  readonly at: number | null;
  readonly reason: string | null;
}

/** One unit of a session after the decision. */
export interface ExplainedUnit {
  readonly unit: "actions" | "tokens" | "cost_usd_micros";
  readonly limit: number | null;
  readonly spent: number;
  readonly reserved: number;
  readonly overrun: number;
  /** Null without a limit. */
  readonly left: number | null;
}

/** A session on whose budgets the action drew: its own, or one above it. */
export interface ExplainedBudget {
  readonly session_id: string;
  readonly is_own: boolean;
  readonly units: readonly ExplainedUnit[];
  /** Milliseconds since 1970; null without a ttl. */
  readonly expires_at: number | null;
}

export interface Explanation {
  readonly sequence_number: number;
  readonly decision: EnforcementDecision;
  /** The session after the decision; null without one. */
  readonly session: Session | null;
  readonly decided_by: Step;
  readonly policies: readonly ExplainedPolicy[];
  readonly shadowed: readonly ExplainedPolicy[];
  /** In force, about such actions, and without a say in this one. */
  readonly silent: readonly { readonly policy_id: string; readonly name: string; readonly version: number }[];
  readonly budgets: readonly ExplainedBudget[];
  readonly causes: readonly ExplainedCause[];
}

/** What is kept of an entry that may turn out to be a cause. */
interface Kept {
  readonly event: string;
  readonly at: number;
  readonly reason: string | null;
  readonly cause: { readonly event: string; readonly sequence: number } | null;
}

const causes_kept = 100_000;

export class Explainer {
  readonly #sequence: number;
  readonly #state: State = emptyState();
  readonly #kept = new Map<number, Kept>();
  /** The newest entry of each escalation. */
  readonly #escalations = new Map<string, { readonly event: string; readonly sequence: number }>();

  /** @param sequence index of the decision's entry */
  constructor(sequence: number) {
    this.#sequence = sequence;
  }

  /**
   * Takes the next entry of the log, from its first on.
   *
   * @returns null until the entry has come; "other" when it is no decision
   */
  take({ content, details, sequence_number }: ReplayedEntry): Explanation | "other" | null {
    const event = fromContent(content, details, sequence_number);
    if (sequence_number < this.#sequence) {
      this.#keep(event, sequence_number);
      this.#evolve(event);
      return null;
    }
    return event.event === "enforcement_decision" ? this.#explain(event) : "other";
  }

  #explain(decision: EnforcementDecision): Explanation {
    const set = setOf(this.#state.policies).of(decision.action_type);
    const pause = this.#pauseOf(decision);
    const causes = this.#causesOf(decision, pause);
    const policies = decision.policies_triggered.map((each) => this.#policy(each));
    const shadowed = (decision.policies_shadowed ?? []).map((each) => this.#policy(each));
    const named = new Set([...policies, ...shadowed].map(({ policy_id }) => policy_id));
    const silent = set.all
      .map(({ policy: { document, version } }) => ({
        policy_id: document.policy_id,
        name: document.name,
        version,
      }))
      .filter(({ policy_id }) => !named.has(policy_id));
    const decided_by = stepOf(decision, causes, pause);
    const is_asked =
      (decided_by === "policies" || decided_by === "other_budgets") &&
      !before_policies.has(policies[0]?.policy_id ?? "");
    evolve(this.#state, decision);
    const session =
      decision.session_id === null ? null : (this.#state.sessions.get(decision.session_id) ?? null);
    return {
      sequence_number: this.#sequence,
      ...{ decision, session, decided_by, policies, shadowed, causes },
      silent: is_asked ? silent : [],
      budgets:
        session === null ? [] : pathFromRoot(this.#state, session).map((each) => budgetOf(each, session)),
    };
  }

  #policy(triggered: PolicyTriggered): ExplainedPolicy {
    const policy = this.#state.policies.get(triggered.policy_id);
    return { ...triggered, sequence_number: policy?.sequence ?? null, document: policy?.document ?? null };
  }

  /** What holds the session of a decision that a pause answered. */
  #pauseOf({ session_id, policies_triggered }: EnforcementDecision): SessionPause | null {
    const session = session_id === null ? undefined : this.#state.sessions.get(session_id);
    return policies_triggered[0]?.policy_id === paused_policy ? (session?.pause ?? null) : null;
  }

  #causesOf(
    { cause, escalation_id }: EnforcementDecision,
    pause: SessionPause | null,
  ): readonly ExplainedCause[] {
    const causes: ExplainedCause[] = [];
    const held = pause === null ? null : { event: "session_paused", sequence: pause.sequence };
    // Of an action that names an escalation: what a person has said of it, if anybody has.
    const asked = escalation_id === null ? null : (this.#escalations.get(escalation_id) ?? null);
    const first = cause ?? held ?? asked;
    for (let next = first; next !== null && causes.length < limits.session_levels * 4; ) {
      const { sequence, event } = next;
      const kept = this.#kept.get(sequence);
      causes.push({ sequence_number: sequence, event, at: kept?.at ?? null, reason: kept?.reason ?? null });
      next = kept?.cause ?? null;
    }
    return causes;
  }

  #keep(event: Event, sequence: number): void {
    if (
      event.event === "enforcement_decision" ||
      event.event === "session_started" ||
      event.event === "heartbeat"
    ) {
      return;
    }
    const { reason = null, cause = null } = event as Partial<Kept>;
    const before = this.#noteEscalation(event, sequence);
    const why = whyOf(event) ?? reason;
    this.#kept.set(sequence, { event: event.event, at: event.at, reason: why, cause: cause ?? before });
    if (this.#kept.size > causes_kept) {
      const [oldest] = this.#kept.keys();
      this.#kept.delete(oldest as number);
    }
  }

  /** Returns the entry of the same escalation before this one. */
  #noteEscalation(event: Event, sequence: number): Kept["cause"] {
    if (event.event !== "escalation_opened" && event.event !== "escalation_resolved") {
      return null;
    }
    const before = this.#escalations.get(event.escalation_id) ?? null;
    this.#escalations.delete(event.escalation_id);
    this.#escalations.set(event.escalation_id, { event: event.event, sequence });
    if (this.#escalations.size > causes_kept) {
      const [oldest] = this.#escalations.keys();
      this.#escalations.delete(oldest as string);
    }
    return before;
  }

  #evolve(event: Event): void {
    evolve(this.#state, event);
    forgetBeyond(this.#state, limits.stopped_sessions);
  }
}

/** Of events that have their reason in other members. */
function whyOf(event: Event): string | null {
  switch (event.event) {
    case "budget_exceeded":
      return `${event.unit} ${event.limit} of ${event.owner_session_id}`;
    case "session_expired":
      return event.stop_reason;
    case "escalation_resolved":
      return `${event.resolution} by ${event.actor.key_id ?? "nobody"}${event.reason === null ? "" : `: ${event.reason}`}`;
    default:
      return null;
  }
}

function budgetOf(owner: Session, session: Session): ExplainedBudget {
  const units = (["actions", "tokens", "cost_usd_micros"] as const).map((unit): ExplainedUnit => {
    const { limit, spent, reserved, overrun } = owner[unit];
    const left = limit === null ? null : Math.max(0, limit - spent - reserved - overrun);
    return { unit, limit, spent, reserved, overrun, left };
  });
  return {
    session_id: owner.session_id,
    is_own: owner === session,
    units,
    expires_at: ttlDeadline(owner),
  };
}
