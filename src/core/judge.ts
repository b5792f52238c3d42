/** What policies say of an action: asked after the actions budget and before all others. */
import { limits } from "../limits.js";
import type { Intercept } from "./command.js";
import type { Verdict } from "./event-parts.js";
import { speaksForAgent } from "./evolve-session.js";
import type { ActionContext } from "./policy/action.js";
import { evaluate, type Found, named, sentence, warningsOf } from "./policy/evaluate.js";
import { default_loop_id, loopText } from "./policy/loop-search.js";
import { setOf } from "./policy/set.js";
import { Work } from "./policy/work.js";
import type { Session, State } from "./state.js";
import { type Judgement, judged } from "./verdict.js";

/**
 * The judgement of an action that standing, time, pauses, repeats and its actions budget let through.
 * Only one that allows is asked for its cost afterwards. One that terminates names the policy that does.
 *
 * @param session null for an action without one: what would terminate is blocked
 */
export function judge(state: State, command: Intercept, session: Session | null): Judgement {
  const judgement = judgeByPolicies(state, command, session);
  const loop = command.loops?.find(({ policy_id }) => policy_id === default_loop_id);
  if (loop === undefined || judgement.decision !== "allow") {
    return judgement;
  }
  const message = `${loopText(loop)}: is this run still getting on?`;
  return { ...judgement, warnings: [...(judgement.warnings ?? []), { policy_id: default_loop_id, message }] };
}

function judgeByPolicies(state: State, command: Intercept, session: Session | null): Judgement {
  const standing = judged(state, session?.agent_id ?? command.agent_id);
  if (state.policies.size === 0 || standing.decision !== "allow") {
    return standing;
  }
  const judges = setOf(state.policies).of(command.action_type);
  const { evaluated, enforced, shadowed } = evaluate(judges, contextOf(state, command, session));
  const told = shadowed.length === 0 ? {} : { shadowed: named(shadowed) };
  const first = enforced[0];
  if (first === undefined) {
    return { ...standing, evaluated, ...told };
  }
  const decision = enforcedAs(first.decision, session);
  // With an approval, what only escalates is allowed.
  const is_allowed = decision === "allow" || (decision === "escalate" && command.escalation !== undefined);
  const warnings = is_allowed ? warningsOf(enforced) : [];
  return {
    decision,
    path: "standard",
    reasoning: sentence(first),
    triggered: named(enforced),
    evaluated,
    ...told,
    ...(warnings.length === 0 ? {} : { warnings }),
    ...(decision === "terminate" ? { terminated_by: first.policy.sequence } : {}),
  };
}

function enforcedAs(decision: Found["decision"], session: Session | null): Verdict {
  return decision === "terminate" && session === null ? "block" : decision;
}

function contextOf(state: State, command: Intercept, session: Session | null): ActionContext {
  const agent_id = session?.agent_id ?? command.agent_id;
  return {
    at: command.at,
    action_type: command.action_type,
    content: command.content,
    metadata: command.metadata,
    agent_id,
    label: session?.label ?? null,
    speaks_for_agent: speaksForAgent(state, { ...command, agent_id }),
    session,
    cost: command.cost,
    estimate: command.estimate,
    asked_before: command.escalation !== undefined,
    counters: state.counters,
    loops: command.loops ?? [],
    work: new Work(limits.policy_work),
  };
}
