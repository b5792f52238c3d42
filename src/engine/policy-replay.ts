/**
 * Tries policies on what was sealed: each decision is judged anew, in the order of the log and by the very
 * code that judges live ones, with what the candidates would have counted until then. What is not sealed,
 * or was erased, is not guessed.
 */
import type { Intercept } from "../core/command.js";
import type { EnforcementDecision, Event } from "../core/event.js";
import type { PolicyTriggered, Verdict } from "../core/event-parts.js";
import { evolve } from "../core/evolve.js";
import { countDecision, forgetSession, settleCounted } from "../core/evolve-policy.js";
import { forgetBeyond } from "../core/evolve-session.js";
import { judge } from "../core/judge.js";
import { noCounters } from "../core/policy/counter.js";
import type { JsonObject, PolicyDocument } from "../core/policy/document.js";
import { evolvePolicy } from "../core/policy/evolve-counters.js";
import type { Policy } from "../core/policy/policy.js";
import { pathFromRoot } from "../core/scope.js";
import { emptyState, type Session, type State } from "../core/state.js";
import type { Judgement } from "../core/verdict.js";
import { limits } from "../limits.js";
import { fromContent, restoreNumbers } from "./content.js";
import { Judgeable } from "./judgeable.js";
import { before_policies } from "./precedence.js";

/** An entry as a replay needs it. */
export interface ReplayedEntry {
  readonly sequence_number: number;
  readonly content: string;
  readonly details: string | null;
}

/**
 * What became of a decision: judged anew; answered before policies were asked, so that none would change
 * it; of a session that the candidates would have stopped before; or unknown: a policy of then had stopped
 * its session, which the candidates would not have done, or a candidate that could not be judged might have
 * refused what was refused then.
 */
export type Standing = "judged" | "before_policies" | "stopped_earlier" | "unknown";

export interface ReplayedDecision {
  readonly sequence_number: number;
  readonly decision_id: string;
  readonly at: number;
  readonly agent_id: string | null;
  readonly session_id: string | null;
  readonly action_type: string;
  readonly before: Verdict;
  readonly before_reason: string;
  /** Null exactly when it is unknown. */
  readonly after: Verdict | null;
  readonly after_reason: string;
  readonly standing: Standing;
  /** Candidates that would have had a say, and those in shadow mode. */
  readonly triggered: readonly PolicyTriggered[];
  readonly shadowed: readonly PolicyTriggered[];
  /** Ids of candidates that are about it and could not be judged: with them it might be stricter. */
  readonly not_judged: readonly string[];
}

/** Those that answer after policies have allowed it. */
const after_policies: ReadonlySet<string> = new Set(["__budget_reserved", "__max_concurrent"]);

export class PolicyReplay {
  /** As it was, without the policies of then. */
  readonly #state: State = emptyState();
  /** The same, with the candidates and what they count. */
  readonly #tried: State;
  readonly #judgeable: Judgeable;
  readonly #policies: ReadonlyMap<string, Policy>;
  /** Sessions that a candidate would have stopped, and by which decision. */
  readonly #stopped = new Map<string, string>();
  /** Sessions that a policy of then stopped, and no candidate would have. */
  readonly #freed = new Set<string>();

  /** @param candidates each with an id of its own */
  constructor(candidates: readonly PolicyDocument[]) {
    this.#policies = new Map(candidates.map((document) => [document.policy_id, inForce(document)]));
    this.#judgeable = new Judgeable(this.#policies);
    const counters = noCounters();
    for (const [policy_id, policy] of this.#policies) {
      evolvePolicy(counters, policy_id, policy, 0);
    }
    // It reads what the other state is at each moment, and has two members of its own.
    this.#tried = Object.create(this.#state, {
      policies: { value: this.#policies },
      counters: { value: counters },
    }) as State;
  }

  /** Takes the next entry of the log; tells of a decision, and of nothing else. */
  take({ content, details, sequence_number }: ReplayedEntry): ReplayedDecision | null {
    const event = fromContent(content, details, sequence_number);
    if (event.event === "enforcement_decision") {
      return this.#decide(event, details, sequence_number);
    }
    this.#evolve(event);
    switch (event.event) {
      case "policy_changed":
        // The policies of then have had their say: nothing is counted for them.
        this.#state.counters.by_policy.clear();
        break;
      case "reservation_settled":
        settleCounted(this.#tried, event);
        break;
      case "session_killed":
      case "session_expired":
      case "session_ended":
        forgetSession(this.#tried, event.session_id);
        this.#stopped.delete(event.session_id);
        break;
      default:
    }
    return null;
  }

  #decide(event: EnforcementDecision, details: string | null, sequence: number): ReplayedDecision {
    const replayed = this.#judge(event, details, sequence);
    this.#evolve(event);
    const { standing, after } = replayed;
    // Where it is not known what they would have said, they count what was.
    const counted =
      standing === "judged" && after !== null
        ? { ...event, decision: after, policies_triggered: replayed.triggered, ...amountsOf(event, after) }
        : event;
    if (standing === "judged" || standing === "unknown") {
      // A repeat that a person approved was counted when it was escalated.
      const is_action = counted.decision !== "terminate" && !isApproved(event);
      countDecision(this.#tried, counted, sequence, is_action);
      this.#noteStop(event, after);
    }
    return replayed;
  }

  /** What follows from a verdict for the rest of its session. */
  #noteStop({ session_id, decision, decision_id }: EnforcementDecision, after: Verdict | null): void {
    if (session_id === null || (after === "terminate") === (decision === "terminate")) {
      return;
    }
    if (after === "terminate") {
      this.#stopped.set(session_id, decision_id);
    } else {
      this.#freed.add(session_id);
    }
  }

  #judge(event: EnforcementDecision, details: string | null, sequence: number): ReplayedDecision {
    const { decision_id, at, agent_id, session_id, action_type } = event;
    const common = {
      sequence_number: sequence,
      ...{ decision_id, at, agent_id, session_id, action_type },
      before: event.decision,
      before_reason: event.reasoning,
      triggered: [],
      shadowed: [],
      not_judged: [],
    };
    const session = session_id === null ? null : (this.#state.sessions.get(session_id) ?? null);
    const path = session === null ? [] : pathFromRoot(this.#state, session).map((each) => each.session_id);
    const stop = path.find((id) => this.#stopped.has(id));
    if (stop !== undefined) {
      const after_reason = `its session would have been stopped at ${this.#stopped.get(stop)}`;
      return { ...common, after: "terminate", after_reason, standing: "stopped_earlier" };
    }
    if (before_policies.has(event.policies_triggered[0]?.policy_id ?? "")) {
      if (event.decision === "terminate" && path.some((id) => this.#freed.has(id))) {
        const after_reason = "a policy of then had stopped its session, which these would not have done";
        return { ...common, after: null, after_reason, standing: "unknown" };
      }
      return { ...common, after: event.decision, after_reason: event.reasoning, standing: "before_policies" };
    }
    const asked = this.#ask(event, details, session);
    if (asked.not_judged.length > 0 && strictness[asked.after] < strictness[event.decision]) {
      const after_reason = "what could not be judged might have refused it as well";
      return { ...common, ...asked, after: null, after_reason, standing: "unknown" };
    }
    return { ...common, ...asked, standing: "judged" };
  }

  #ask(event: EnforcementDecision, details: string | null, session: Session | null) {
    const known = metadataOf(event, details);
    const { policies, not_judged } = this.#judgeable.for(event.action_type, {
      text: event.action_digest === null,
      metadata: known !== undefined,
      amounts: event.decision === "allow",
    });
    const asked: State = Object.create(this.#tried, { policies: { value: policies } });
    const judgement = judge(asked, interceptOf(event, known ?? null), session);
    return {
      ...verdictOf(event, judgement),
      triggered: judgement.triggered,
      shadowed: judgement.shadowed ?? [],
      not_judged,
    };
  }

  #evolve(event: Event): void {
    evolve(this.#state, event);
    for (const session_id of forgetBeyond(this.#state, limits.stopped_sessions)) {
      this.#freed.delete(session_id);
    }
  }
}

const strictness: Readonly<Record<Verdict, number>> = { allow: 0, escalate: 1, block: 2, terminate: 3 };

/** Whether it is the repeat of an action that a person approved. */
function isApproved(
  event: EnforcementDecision,
): event is EnforcementDecision & { readonly escalation_id: string } {
  return event.escalation_id !== null && event.decision === "allow";
}

/** Only what is allowed is charged or held. */
function amountsOf({ charge, reservation }: EnforcementDecision, after: Verdict) {
  return after === "allow" ? { charge, reservation } : { charge: null, reservation: null };
}

/** What comes after policies would have said the same where these allow as well. */
function verdictOf(
  event: EnforcementDecision,
  judgement: Judgement,
): { after: Verdict; after_reason: string } {
  const first = event.policies_triggered[0]?.policy_id ?? "";
  // What a person approved is asked once more, and not escalated again.
  const is_settled = isApproved(event) || first === "__escalation_limit";
  if (
    (judgement.decision === "allow" && after_policies.has(first)) ||
    (judgement.decision === "escalate" && is_settled)
  ) {
    return { after: event.decision, after_reason: event.reasoning };
  }
  return { after: judgement.decision, after_reason: judgement.reasoning };
}

function inForce(document: PolicyDocument): Policy {
  return { document, version: 1, sequence: 0, created_at: 0, updated_at: 0 };
}

/** The metadata of an action: null where it had none, undefined where it is not known any more. */
function metadataOf(
  { details_digest }: EnforcementDecision,
  details: string | null,
): JsonObject | null | undefined {
  if (details_digest === null) {
    return null;
  }
  if (details === null) {
    return undefined;
  }
  const members = JSON.parse(details) as Record<string, unknown>;
  restoreNumbers(members);
  return members.action_metadata_digest === undefined
    ? ((members.action_metadata ?? null) as JsonObject | null)
    : undefined;
}

/** The action as it was asked for, as far as it was sealed. */
function interceptOf(event: EnforcementDecision, metadata: JsonObject | null): Intercept {
  return {
    type: "intercept",
    at: event.at,
    actor: event.actor,
    request_id: null,
    session_id: event.session_id,
    agent_id: event.agent_id,
    action_type: event.action_type,
    chain: event.chain,
    cost: event.charge,
    estimate: event.reservation,
    content: null,
    metadata,
    action_digest: event.action_digest,
    action_length: event.action_length,
    details_digest: event.details_digest,
    // One that a person approved counts nothing anew.
    ...(isApproved(event) ? { escalation: { escalation_id: event.escalation_id, same_action: true } } : {}),
    latency_us: 0,
    repeat: null,
  };
}
