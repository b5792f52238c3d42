/**
 * Refuses limits and costs that this version cannot hold. In the binary form they come as unknown fields,
 * which protobuf passes over; but a limit that nobody watches is worse than none.
 */
import type { DescMessage, Message } from "@bufbuild/protobuf";
import { type InterceptRequest, InterceptRequestSchema } from "../../gen/killcord/v1/enforcement_pb.js";
import { type StartSessionRequest, StartSessionRequestSchema } from "../../gen/killcord/v1/session_pb.js";
import type { FieldIssue } from "./errors.js";
import { isKeptNumber, unsupported } from "./expected.js";

/** What of a start is refused for that; nothing for any other message. */
export function unheldLimits(schema: DescMessage, message: Message): readonly FieldIssue[] {
  if (schema === InterceptRequestSchema) {
    const { cost, estimate } = message as InterceptRequest;
    return [
      ...(cost?.$unknown ?? []).map(({ no }) => issueOf("cost.", no)),
      ...(estimate?.$unknown ?? []).map(({ no }) => issueOf("estimate.", no)),
    ];
  }
  if (schema !== StartSessionRequestSchema) {
    return [];
  }
  const { budgets, $unknown = [] } = message as StartSessionRequest;
  const kept = $unknown.filter(({ no }) => isKeptNumber(schema, no));
  // Inside budgets every unknown field is refused: it can be nothing but a limit.
  const limits = budgets?.$unknown ?? [];
  return [...kept.map(({ no }) => issueOf("", no)), ...limits.map(({ no }) => issueOf("budgets.", no))];
}

function issueOf(parent: string, number: number): FieldIssue {
  return { field: `${parent}${number}`, issue: `the field of this number ${unsupported}` };
}
