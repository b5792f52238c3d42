/**
 * Refuses limits that this version cannot hold. In the binary form they come as unknown fields, which
 * protobuf passes over; but a limit that nobody watches is worse than none.
 */
import type { DescMessage, Message } from "@bufbuild/protobuf";
import { type InterceptRequest, InterceptRequestSchema } from "../../gen/killcord/v1/enforcement_pb.js";
import {
  type Budgets,
  OnExceeded,
  type StartSessionRequest,
  StartSessionRequestSchema,
} from "../../gen/killcord/v1/session_pb.js";
import type { FieldIssue } from "./errors.js";
import { isKeptNumber, unsupported } from "./expected.js";

/** What of a start is refused for that; nothing for any other message. */
export function unheldLimits(schema: DescMessage, message: Message): readonly FieldIssue[] {
  if (schema === InterceptRequestSchema) {
    return unheldCosts(message as InterceptRequest);
  }
  if (schema !== StartSessionRequestSchema) {
    return [];
  }
  const { budgets, $unknown = [] } = message as StartSessionRequest;
  const kept = $unknown.filter(({ no }) => isKeptNumber(schema, no));
  // Inside budgets every unknown field is refused: it can be nothing but a limit.
  const limits = budgets?.$unknown ?? [];
  return [
    ...kept.map(({ no }) => issueOf("", no)),
    ...limits.map(({ no }) => issueOf("budgets.", no)),
    ...unheldBudgets(budgets),
  ];
}

function unheldBudgets(budgets: Budgets | undefined): readonly FieldIssue[] {
  const is_given = {
    max_tokens: budgets?.maxTokens !== undefined,
    max_cost_usd: budgets?.maxCostUsd !== undefined,
    max_depth: budgets?.maxDepth !== undefined,
    max_concurrent: budgets?.maxConcurrent !== undefined,
    warn_at_percent: budgets !== undefined && budgets.warnAtPercent.length > 0,
    on_exceeded: budgets?.onExceeded === OnExceeded.PAUSE,
  };
  return issuesOf("budgets.", is_given);
}

function unheldCosts({ cost, estimate, escalationId }: InterceptRequest): readonly FieldIssue[] {
  return issuesOf("", {
    cost: cost !== undefined,
    estimate: estimate !== undefined,
    escalation_id: escalationId !== undefined,
  });
}

function issuesOf(parent: string, is_given: Readonly<Record<string, boolean>>): readonly FieldIssue[] {
  return Object.entries(is_given)
    .filter(([, given]) => given)
    .map(([name]) => ({ field: `${parent}${name}`, issue: unsupported }));
}

function issueOf(parent: string, number: number): FieldIssue {
  return { field: `${parent}${number}`, issue: `the field of this number ${unsupported}` };
}
