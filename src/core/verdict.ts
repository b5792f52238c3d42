/** The entry of a verdict, and what goes into it, whether the action names a session or not. */
import { limits } from "../limits.js";
import type { Intercept } from "./command.js";
import { answer, type Decision, type Draft } from "./decision.js";
import type { Amounts, Cause, Consumed, PolicyTriggered, PolicyWarning, Verdict } from "./event-parts.js";
import { idAt } from "./ids.js";
import { keptRepeat, refuseOtherRequest } from "./repeat.js";
import { revokedBy } from "./scope.js";
import { haltOnScope } from "./standing.js";
import type { StandingHalt, State } from "./state.js";

/** The policies by which an order in force answers an action without a session. */
export const halted_policy = "__scope_halted";
export const revoked_policy = "__agent_revoked";

/** A verdict and why it is given. */
export interface Judgement {
  readonly decision: Verdict;
  readonly path: string;
  readonly reasoning: string;
  readonly triggered: readonly PolicyTriggered[];
  /** Ids of the policies that were asked; absent when none was. */
  readonly evaluated?: readonly string[];
  /** Policies in shadow mode that would have had a say; absent when there are none. */
  readonly shadowed?: readonly PolicyTriggered[];
  /** Only of an allow; absent when there are none. */
  readonly warnings?: readonly PolicyWarning[];
  /** Exactly of a terminate that a policy asks for: the index of the entry that set this version of it. */
  readonly terminated_by?: number;
  /** The escalation that the action names, where the log has it; a new one is given by itself. */
  readonly escalation_id?: string | null;
}

/** Whom an action concerns, what it costs, and what it leaves spent and held. */
export interface Subject {
  readonly session_id: string | null;
  readonly agent_id: string | null;
  readonly credential_id: string | null;
  readonly charge: Amounts | null;
  readonly reservation: Amounts | null;
  /** Null exactly without a session. */
  readonly consumed: Consumed | null;
  readonly reserved: Amounts | null;
}

/**
 * What is said of an action that nothing stops, before any policy: only the agent counts that it names, in a
 * session without one too.
 */
export function judged(state: State, agent_id: string | null): Judgement {
  const revoked = revokedBy(state, "agent", agent_id);
  const halt = revoked === null ? haltOnScope(state, "agent", agent_id) : null;
  if (halt !== null) {
    return judgedByHalt(halt);
  }
  return revoked === null
    ? { decision: "allow", path: "fast", reasoning: "No policies triggered", triggered: [] }
    : {
        decision: "block",
        path: "standard",
        reasoning: revoked.reason,
        triggered: builtIn(revoked_policy, "agent revoked", "block", revoked.reason),
      };
}

/** What an order in force says of an action that no session stands for. */
export function judgedByHalt({ reason }: StandingHalt): Judgement {
  return {
    decision: "block",
    path: "standard",
    reasoning: reason,
    triggered: builtIn(halted_policy, "scope halted", "block", reason),
  };
}

export function builtIn(
  policy_id: string,
  name: string,
  decision: Verdict,
  reason: string,
): readonly PolicyTriggered[] {
  return [{ policy_id, name, decision, reason }];
}

/** Seals a verdict; one that escalates opens its escalation right behind it. */
export function decided(
  draft: Draft,
  command: Intercept,
  judgement: Judgement,
  subject: Subject,
  cause: Cause | null,
): Decision {
  const place = draft.next_sequence;
  const decision_id = idAt("enf", place);
  const escalates = judgement.decision === "escalate";
  const escalation_id = escalates ? idAt("esc", place + 1) : (judgement.escalation_id ?? null);
  const sequence = draft.add(
    {
      event: "enforcement_decision",
      actor: command.actor,
      session_id: subject.session_id,
      decision_id,
      agent_id: subject.agent_id,
      credential_id: subject.credential_id,
      action_type: command.action_type,
      decision: judgement.decision,
      decision_path: judgement.path,
      reasoning: judgement.reasoning,
      trust_score: null,
      policies_triggered: judgement.triggered,
      ...(judgement.shadowed === undefined ? {} : { policies_shadowed: judgement.shadowed }),
      ...(judgement.warnings === undefined ? {} : { warnings: judgement.warnings }),
      policy_set_digest: draft.policy_set_digest,
      latency_us: command.latency_us,
      chain: command.chain,
      action_digest: command.action_digest,
      action_length: command.action_length,
      details_digest: command.details_digest,
      charge: subject.charge,
      reservation: subject.reservation,
      consumed: subject.consumed,
      reserved: subject.reserved,
      cause,
      escalation_id,
      ...(escalates && command.details_salt !== undefined ? { details_salt: command.details_salt } : {}),
    },
    command.repeat,
  );
  if (escalates) {
    draft.add(opening(command, subject.session_id, decision_id, escalation_id as string));
  }
  const { evaluated } = judgement;
  const reply = { type: "verdict", sequence, replayed: false, repeats_terminate_of: null } as const;
  return { reply: evaluated === undefined ? reply : { ...reply, evaluated }, events: draft.events };
}

/** Its approval is for what the action asked to be charged or held, and for no other amount. */
function opening(
  { at, actor, cost, estimate, escalation_ms = limits.escalation_ms }: Intercept,
  session_id: string | null,
  decision_id: string,
  escalation_id: string,
) {
  return {
    event: "escalation_opened",
    actor,
    session_id,
    escalation_id,
    decision_id,
    expires_at: at + escalation_ms,
    ...(cost === null ? {} : { cost }),
    ...(estimate === null ? {} : { estimate }),
  } as const;
}

/** The verdict that an earlier request with the same idempotency key got, or null. */
export function repeated(state: State, draft: Draft, command: Intercept): Decision | null {
  const kept = keptRepeat(state, command);
  if (kept === null) {
    return null;
  }
  const { reply } =
    refuseOtherRequest(command) ??
    answer({ type: "verdict", sequence: kept.sequence, replayed: true, repeats_terminate_of: null });
  return { reply, events: draft.events };
}
