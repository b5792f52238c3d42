/** Escalations as messages: from their rows, the entries of their decisions, and what is kept of their texts. */
import { create, type JsonObject } from "@bufbuild/protobuf";
import {
  ActionText,
  type Escalation,
  EscalationDecision,
  EscalationSchema,
  type EscalationState,
  EscalationStateSchema,
  EscalationStatus,
} from "../../gen/killcord/v1/escalation_pb.js";
import type { EnforcementDecision } from "../core/event.js";
import type { Resolution } from "../core/event-escalation.js";
import type { ActionText as KeptText } from "../engine/action-texts.js";
import type { EscalationRow } from "../engine/escalation-rows.js";
import { isOf } from "../engine/same-action.js";
import { limits } from "../limits.js";
import { amountsViewIfAny } from "./amounts.js";
import { type Context, callerKey } from "./context.js";
import type { Call } from "./door.js";
import { KillcordError } from "./errors.js";
import { sealedDecision } from "./sealed-decision.js";
import { policiesView } from "./verdict.js";
import { given, timestamp } from "./view.js";

const statuses: Readonly<Record<Resolution, EscalationStatus>> = {
  approved: EscalationStatus.APPROVED,
  rejected: EscalationStatus.REJECTED,
  expired: EscalationStatus.EXPIRED,
};

/** @throws {KillcordError} escalation_not_found */
export async function escalationNamed(
  { engine }: Pick<Context, "engine">,
  escalation_id: string,
): Promise<EscalationRow> {
  const row = await engine.projection.escalations.named(escalation_id);
  if (row === null) {
    throw new KillcordError(
      "escalation_not_found",
      `there is no escalation ${JSON.stringify(escalation_id.slice(0, 64))} in this workspace`,
    );
  }
  return row;
}

export function statusOf({ resolved }: EscalationRow): EscalationStatus {
  return resolved === null ? EscalationStatus.PENDING : statuses[resolved.resolution];
}

/** What an escalation means for its action now: what is approved is so for a while, once, and while its session runs. */
function decisionOf({ engine }: Context, { escalation_id, resolved }: EscalationRow): EscalationDecision {
  if (resolved === null) {
    return EscalationDecision.PENDING;
  }
  const approval = engine.projection.state.approvals.get(escalation_id);
  if (approval === undefined || engine.clock.now() >= approval.approved_at + limits.approval_ms) {
    return EscalationDecision.BLOCK;
  }
  return approval.session_id !== null && engine.isOverdue(approval.session_id)
    ? EscalationDecision.BLOCK
    : EscalationDecision.ALLOW;
}

/** How far an escalation is, for who waits for it. */
export function stateView(context: Context, row: EscalationRow): EscalationState {
  const { escalation_id, resolved } = row;
  return create(EscalationStateSchema, {
    escalationId: escalation_id,
    status: statusOf(row),
    decision: decisionOf(context, row),
    ...given("resolutionReason", resolved?.reason),
    ...given("resolvedAt", resolved === null ? null : timestamp(resolved.at)),
  });
}

/** An escalation with what is sealed of its action, and without the text of it. */
export async function escalationView(context: Context, row: EscalationRow): Promise<Escalation> {
  const { decision, entry_id } = await sealedDecision(context, row.sequence - 1, row.decision_id);
  return viewOf(context, row, decision, entry_id);
}

/** The same with the text, where the caller sees it and it is the one that was asked about. */
export async function wholeView(context: Context, row: EscalationRow, call: Call): Promise<Escalation> {
  const { decision, entry_id } = await sealedDecision(context, row.sequence - 1, row.decision_id);
  const view = viewOf(context, row, decision, entry_id);
  const { action_text, text } = await textOf(context, row, decision, call);
  view.actionText = action_text;
  Object.assign(view, given("actionContent", text?.action_content));
  Object.assign(view, given("metadata", text?.metadata as JsonObject | null | undefined));
  return view;
}

/** Whether an action waits of which nobody can be shown what it says. */
export async function isTextLost(context: Context, row: EscalationRow): Promise<boolean> {
  const { decision } = await sealedDecision(context, row.sequence - 1, row.decision_id);
  const kept = decision.details_digest === null ? null : await keptText(context, row, decision);
  return kept?.action_text === ActionText.LOST || kept?.action_text === ActionText.CHANGED;
}

/** What there is of an action's text; the text itself exactly where it is shown. */
interface Kept {
  readonly action_text: ActionText;
  readonly text?: KeptText;
}

async function textOf(
  context: Context,
  row: EscalationRow,
  decision: EnforcementDecision,
  call: Call,
): Promise<Kept> {
  if (decision.details_digest === null) {
    return { action_text: ActionText.NONE };
  }
  if (row.resolved !== null) {
    return { action_text: ActionText.ERASED };
  }
  return mayAnswer(context, call) ? keptText(context, row, decision) : { action_text: ActionText.WITHHELD };
}

/** Whether a caller answers for others: an agent's key never does, whatever roles it has. */
function mayAnswer(context: Context, call: Call): boolean {
  const { role } = call.principal;
  return (role === "admin" || role === "approver") && callerKey(context, call).agent_id === null;
}

/** One reading, held against what was sealed: what is shown is what was looked at. */
async function keptText(
  { engine }: Context,
  { escalation_id }: EscalationRow,
  { details_salt = null, action_digest, details_digest }: EnforcementDecision,
): Promise<Kept> {
  const text = await engine.escalations.texts.read(escalation_id);
  if (text === null) {
    // It may have been resolved, and erased, in this very moment.
    const { resolved } = await escalationNamed({ engine }, escalation_id);
    return { action_text: resolved === null ? ActionText.LOST : ActionText.ERASED };
  }
  return isOf({ salt: details_salt, action_digest, details_digest }, text)
    ? { action_text: ActionText.SHOWN, text }
    : { action_text: ActionText.CHANGED };
}

function viewOf(
  context: Context,
  row: EscalationRow,
  decision: EnforcementDecision,
  entry_id: string,
): Escalation {
  const { resolved } = row;
  const usable_until = resolved?.resolution === "approved" ? resolved.at + limits.approval_ms : null;
  return create(EscalationSchema, {
    escalationId: row.escalation_id,
    decisionId: row.decision_id,
    actionType: decision.action_type,
    reasoning: decision.reasoning,
    ...given("agentId", row.agent_id),
    ...given("sessionId", row.session_id),
    status: statusOf(row),
    decision: decisionOf(context, row),
    createdAt: timestamp(row.opened_at),
    expiresAt: timestamp(row.expires_at),
    policiesTriggered: policiesView(decision.policies_triggered),
    vaultEntryId: entry_id,
    ...given("resolvedAt", resolved === null ? null : timestamp(resolved.at)),
    ...given("resolvedBy", resolved?.by),
    ...given("resolutionReason", resolved?.reason),
    ...given("usableUntil", usable_until === null ? null : timestamp(usable_until)),
    ...given("usedBy", row.used_by),
    ...(resolved?.unseen === true ? { unseen: true } : {}),
    ...given("cost", amountsViewIfAny(row.cost)),
    ...given("estimate", amountsViewIfAny(row.estimate)),
  });
}
