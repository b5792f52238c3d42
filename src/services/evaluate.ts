/** Evaluate: what an action would be answered. Nothing is sealed and nothing is counted. */
import { create, type JsonObject } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { EarlierAction, EvaluateRequest } from "../../gen/killcord/v1/policy_pb.js";
import { EvaluateResponseSchema } from "../../gen/killcord/v1/policy_pb.js";
import { decide } from "../core/decide.js";
import type { Policy } from "../core/policy/policy.js";
import type { State } from "../core/state.js";
import { limits } from "../limits.js";
import { breath } from "../policies/breath.js";
import { readPolicy } from "../policies/read-policy.js";
import { amountsAsked } from "./amounts.js";
import type { Context } from "./context.js";
import type { FieldIssue } from "./errors.js";
import { issuesOf } from "./policy-faults.js";
import { written } from "./policy-written.js";
import {
  digestOf,
  interceptOf,
  type Judged,
  judgedBy,
  plain_session,
  Trial,
  type TrialAction,
} from "./trial.js";
import { invalid } from "./validate.js";
import { policiesView, verdictCode } from "./verdict.js";
import { timestamp } from "./view.js";
import { warningsView } from "./warnings.js";

export async function evaluate(context: Context, request: EvaluateRequest) {
  const now = context.engine.clock.now();
  const candidates = request.policies.length === 0 ? null : await candidatesOf(request, now);
  if (request.sessionId !== undefined) {
    refuseTogether(request);
    await context.engine.load([request.sessionId]);
    const state = withPolicies(context.engine.state, candidates);
    const judged = judgedBy(decide(state, interceptOf(actionOf(request), request.sessionId, now)));
    return view(judged, state.policy_set_digest, now);
  }
  const at = request.at === undefined ? now : timestampMs(request.at);
  if (at < 0 || at > limits.trial_at_max) {
    throw invalid([{ field: "at", issue: "expected a time from 1970 to 2200" }]);
  }
  const policies = candidates ?? [...context.engine.state.policies.values()];
  const earlier = [...request.earlier].sort((a, b) => before(b) - before(a));
  const begin = at - before(earlier[0]) * 1000;
  const trial = new Trial(policies, begin);
  const who = { agent_id: request.agentId ?? null, label: request.label ?? null };
  const session = trial.start({ ...plain_session, ...who }, begin);
  for (const action of earlier) {
    trial.ask(actionOf(action), session, at - before(action) * 1000);
    await breath();
  }
  return view(trial.ask(actionOf(request), session, at), digestOf(policies), at);
}

function before(action: EarlierAction | undefined): number {
  return Number(action?.secondsBefore ?? 0n);
}

/** What a session of its own would say is the session's to say. */
function refuseTogether({ agentId, label, at, earlier }: EvaluateRequest): void {
  const given = { agent_id: agentId, label, at, earlier: earlier.length === 0 ? undefined : earlier };
  const faults: FieldIssue[] = Object.entries(given)
    .filter(([, value]) => value !== undefined)
    .map(([field]) => ({ field, issue: "not together with session_id" }));
  if (faults.length > 0) {
    throw invalid(faults);
  }
}

/** Policies of the request, made ready one after the other, or every fault of theirs. */
async function candidatesOf({ policies }: EvaluateRequest, at: number): Promise<readonly Policy[]> {
  const names = new Map<string, number>();
  const faults: FieldIssue[] = [];
  const candidates: Policy[] = [];
  for (const [i, each] of policies.entries()) {
    const before = names.get(each.name);
    names.set(each.name, before ?? i);
    if (before !== undefined) {
      faults.push({ field: `policies[${i}].name`, issue: `also the name of policies[${before}]` });
    }
    const policy_id = (i + 1).toString(16).padStart(32, "0");
    const { document, faults: wrong } = readPolicy(written(each), { policy_id, source: "api" });
    faults.push(...issuesOf(wrong, `policies[${i}]`));
    if (document !== null) {
      candidates.push({ document, version: 1, sequence: 0, created_at: at, updated_at: at });
    }
    await breath();
  }
  if (faults.length > 0) {
    throw invalid(faults.slice(0, limits.issues_listed));
  }
  return candidates;
}

/** The state with other policies: what else it holds is shared, and decide only reads it. */
function withPolicies(state: Readonly<State>, candidates: readonly Policy[] | null): State {
  return candidates === null
    ? state
    : {
        ...state,
        policies: new Map(candidates.map((policy) => [policy.document.policy_id, policy])),
        policy_set_digest: digestOf(candidates),
      };
}

function actionOf(action: EvaluateRequest | EarlierAction): TrialAction {
  return {
    action_type: action.actionType,
    content: action.actionContent ?? null,
    metadata: (action.metadata as JsonObject | undefined) ?? null,
    cost: action.cost === undefined ? null : amountsAsked(action.cost, "cost"),
    estimate: null,
    agent_id: null,
  };
}

function view({ decision, evaluated }: Judged, policy_set_digest: string, at: number) {
  return create(EvaluateResponseSchema, {
    decision: verdictCode(decision.decision),
    reasoning: decision.reasoning,
    policiesEvaluated: [...evaluated],
    policiesTriggered: policiesView(decision.policies_triggered),
    policiesShadowed: policiesView(decision.policies_shadowed ?? []),
    warnings: warningsView(decision, []),
    policySetDigest: policy_set_digest,
    evaluatedAt: timestamp(at),
  });
}
