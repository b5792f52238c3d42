/** Decisions read back from the log. */

import type { EnforcementDecision } from "../core/event.js";
import type { ReservationSettled } from "../core/event-budget.js";
import { sequenceOf } from "../core/ids.js";
import { fromContent } from "../engine/content.js";
import type { SealedEntry } from "../vault/entry.js";
import type { Context } from "./context.js";
import type { Call } from "./door.js";
import { KillcordError } from "./errors.js";
import { refuseForeign } from "./own.js";

/** A decision with the entry that seals it. */
export interface SealedDecision {
  readonly decision: EnforcementDecision;
  readonly entry: SealedEntry;
  readonly entry_id: string;
}

/** Reads a decision back from the log. */
export async function sealedDecision(
  { vault, engine }: Context,
  sequence: number | null,
  decision_id: string,
): Promise<SealedDecision> {
  const entry = sequence === null || sequence >= engine.projection.size ? null : await vault.entry(sequence);
  const event = entry === null ? null : fromContent(entry.content, entry.details, entry.sequence_number);
  if (entry === null || event?.event !== "enforcement_decision") {
    throw new KillcordError(
      "decision_not_found",
      `there is no decision ${JSON.stringify(decision_id.slice(0, 64))} in this workspace`,
    );
  }
  return { decision: event, entry, entry_id: entry.entry_id };
}

/** How the reservation of a decision, which is open no more, was closed. */
export async function closingOf(
  { vault, engine }: Context,
  decision_id: string,
): Promise<ReservationSettled> {
  const sequence = await engine.projection.settlement(decision_id);
  const entry = sequence === null ? null : await vault.entry(sequence);
  const event = entry === null ? null : fromContent(entry.content, entry.details, entry.sequence_number);
  if (event?.event !== "reservation_settled") {
    throw new Error(`the reservation of ${decision_id} is not open, and no entry closes it`);
  }
  return event;
}

/** A decision that the caller may see. */
export async function ownDecision(
  context: Context,
  decision_id: string,
  call: Call,
): Promise<SealedDecision> {
  const sealed = await sealedDecision(context, sequenceOf("enf", decision_id), decision_id);
  const { agent_id, actor } = sealed.decision;
  const owned = { agent_id, started_by: actor.key_id };
  refuseForeign(context, call, owned, "the decision is about another agent's action");
  return sealed;
}
