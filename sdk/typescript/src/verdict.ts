/** What a verdict says, in the words of this library. */
import type {
  InterceptResponse,
  PolicyTriggered,
  SettleResponse,
  BudgetLeft as WireBudgetLeft,
} from "../gen/killcord/v1/enforcement_pb.js";
import { Verdict } from "../gen/killcord/v1/enforcement_pb.js";
import type { Reserved, Consumed as WireConsumed } from "../gen/killcord/v1/session_pb.js";
import type { Policy, Refusal } from "./errors.js";
import type { Amounts } from "./money.js";

/** Leave to do what was asked for: there is no other result. */
export type Allowed = AllowedBySeal | AllowedOffline;

/** The server has sealed it. */
export interface AllowedBySeal {
  readonly offline: false;
  /** `enf_` and 12 hex digits. */
  readonly decisionId: string;
  /** Why, as text for people. */
  readonly reasoning: string;
  /** The sealed entry, `ve_` and 24 hex digits. */
  readonly vaultEntryId: string;
  /** Those that had a say, warnings among them. */
  readonly policies: readonly Policy[];
  /** Those in shadow mode that would have had one. */
  readonly policiesShadowed: readonly Policy[];
  /** What the run should know beside it; its listeners are told as well. */
  readonly warnings: readonly Warning[];
  /** Actions of the session so far, this one included. */
  readonly actions: number;
  /** What the session has used so far. */
  readonly consumed: Consumed;
  /** What is left before something limits the run. */
  readonly budgetLeft: BudgetLeft;
  /** What to do next, as text for people. */
  readonly nextStep: string;
  /** The approval that allowed it. */
  readonly escalationId: string | undefined;
}

/** The server did not answer, and failOpen was asked for: nothing is sealed, nothing is counted. */
export interface AllowedOffline {
  readonly offline: true;
  readonly decisionId: "";
  readonly reasoning: string;
}

/** Something that a run should know; it goes on. */
export interface Warning {
  /** Which policy warns; `__soft_limit` for a share of a budget that is used. */
  readonly policyId: string;
  readonly message: string;
}

/** What a session has used. */
export interface Consumed extends Amounts {
  readonly actions: number;
  readonly elapsedSeconds: number;
}

/** The least that is left, of the session and all that it is a part of. What is absent is not limited. */
export interface BudgetLeft {
  readonly actions?: number;
  readonly tokens?: number;
  /** Millionths of a USD. */
  readonly costUsdMicros?: number;
  /** Whole seconds until it expires. */
  readonly ttlSeconds?: number;
  /** Whole seconds until it expires for want of an action. */
  readonly idleSeconds?: number;
}

export function allowedBy(reply: InterceptResponse): AllowedBySeal {
  const consumed = consumedOf(reply.consumed);
  return {
    offline: false,
    decisionId: reply.decisionId,
    reasoning: reply.reasoning,
    vaultEntryId: reply.vaultEntryId,
    policies: reply.policiesTriggered.map(policyOf),
    policiesShadowed: reply.policiesShadowed.map(policyOf),
    warnings: warningsOf(reply),
    actions: consumed.actions,
    consumed,
    budgetLeft: budgetLeftOf(reply.budgetLeft),
    nextStep: reply.nextStep,
    escalationId: reply.escalationId,
  };
}

/** What comes with a verdict or a settlement. */
export function warningsOf({ warnings }: InterceptResponse | SettleResponse): readonly Warning[] {
  return warnings.map(({ policyId, message }) => ({ policyId, message }));
}

/** What any verdict but an allow says. */
export function refusalOf(action_type: string, reply: InterceptResponse): Refusal {
  return {
    actionType: action_type,
    reasoning: reply.reasoning,
    decisionId: reply.decisionId,
    policies: reply.policiesTriggered.map(policyOf),
    nextStep: reply.nextStep,
  };
}

/** None of it was said by the server. */
export function unasked(action_type: string, reasoning: string): Refusal {
  return { actionType: action_type, reasoning, decisionId: "", policies: [], nextStep: "" };
}

/** What is not there is nothing. */
export function amountsOf(held: Reserved | undefined): Amounts {
  return { tokens: Number(held?.tokens ?? 0n), costUsdMicros: Number(held?.costUsdMicros ?? 0n) };
}

export function consumedOf(consumed: WireConsumed | undefined): Consumed {
  return {
    actions: Number(consumed?.actions ?? 0n),
    tokens: Number(consumed?.tokens ?? 0n),
    costUsdMicros: Number(consumed?.costUsdMicros ?? 0n),
    elapsedSeconds: Number(consumed?.elapsedSeconds ?? 0n),
  };
}

function budgetLeftOf(left: WireBudgetLeft | undefined): BudgetLeft {
  return {
    ...number("actions", left?.actions),
    ...number("tokens", left?.tokens),
    ...number("costUsdMicros", left?.costUsdMicros),
    ...number("ttlSeconds", left?.ttlSeconds),
    ...number("idleSeconds", left?.idleSeconds),
  };
}

function number(name: keyof BudgetLeft, value: bigint | undefined): BudgetLeft {
  return value === undefined ? {} : { [name]: Number(value) };
}

function policyOf({ policyId, name, reason, decision, version }: PolicyTriggered): Policy {
  return {
    policyId,
    name,
    reason,
    decision: (Verdict[decision] ?? `unknown_${decision}`).toLowerCase(),
    version,
  };
}
