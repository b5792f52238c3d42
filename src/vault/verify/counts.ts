/** Budgets recounted: what decisions and settlements add at a session and its ancestors. */
import type {
  BudgetExceeded,
  BudgetRaised,
  Content,
  EnforcementDecision,
  ReservationSettled,
} from "./content.js";
import {
  type Item,
  type PerUnit,
  pausedOn,
  perUnit,
  type Session,
  type State,
  sessionOf,
  units,
} from "./state.js";

/** What one entry adds at a session and at all above it; `reserved` may be negative. */
export interface Change {
  readonly session: Session;
  readonly spent: PerUnit;
  readonly reserved: PerUnit;
}

const none: PerUnit = { actions: 0, tokens: 0, cost_usd_micros: 0 };

/** What an entry adds; null when it is neither a decision nor a settlement of a known session. */
export function changeOf(state: State, content: Content): Change | null {
  const session = sessionOf(state, content);
  if (session === undefined) {
    return null;
  }
  if (content.event === "reservation_settled") {
    const held = perUnit(state.reservations.get(content.decision_id)?.held ?? null);
    const reserved = { actions: 0, tokens: -held.tokens, cost_usd_micros: -held.cost_usd_micros };
    return { session, spent: perUnit(content.spent), reserved };
  }
  if (content.event !== "enforcement_decision") {
    return null;
  }
  // What a pause answers consumes nothing, so that waiting does not eat a raised cap.
  if (content.decision === "terminate" || pausedOn(session) !== undefined) {
    return { session, spent: none, reserved: none };
  }
  const escalation =
    content.escalation_id === null ? undefined : state.escalations.get(content.escalation_id);
  const asked_before =
    (content.decision === "allow" || content.decision === "allow_with_warning") &&
    escalation?.resolution === "approved" &&
    escalation.session_id === session.id;
  const spent = { ...perUnit(content.charge), actions: asked_before ? 0 : 1 };
  return { session, spent, reserved: perUnit(content.reservation) };
}

/** Adds a change where it counts. */
export function applyChange({ session, spent, reserved }: Change): void {
  for (const owner of session.lineage) {
    for (const unit of units) {
      owner.spent[unit] += spent[unit];
      owner.reserved[unit] += reserved[unit];
    }
  }
}

/** Whether a decision or settlement leaves the session or an ancestor above a limit. */
export function overBudget(state: State, { content }: Item): string | null {
  const change = changeOf(state, content);
  if (change === null) {
    return null;
  }
  if (state.header.kind === "slice") {
    // Sub-sessions count here too and are not shown, so what is stated is all there is.
    const { consumed, reserved } = content as EnforcementDecision | ReservationSettled;
    return above(change.session, perUnit(consumed), perUnit(reserved));
  }
  for (const owner of change.session.lineage) {
    const found = above(owner, sum(owner.spent, change.spent), sum(owner.reserved, change.reserved));
    if (found !== null) {
      return found;
    }
  }
  return null;
}

function sum(a: PerUnit, b: PerUnit): PerUnit {
  return {
    actions: a.actions + b.actions,
    tokens: a.tokens + b.tokens,
    cost_usd_micros: a.cost_usd_micros + b.cost_usd_micros,
  };
}

function above(owner: Session, spent: PerUnit, reserved: PerUnit): string | null {
  for (const unit of units) {
    const limit = owner.limits[unit];
    if (limit !== null && spent[unit] + reserved[unit] > limit) {
      return `${spent[unit]} ${unit} spent and ${reserved[unit]} held pass the limit of ${limit}`;
    }
  }
  return null;
}

/** Whether what an entry states of budgets is what the replay counts. */
export function countMismatch(state: State, { content }: Item): string | null {
  const session = sessionOf(state, content);
  if (session === undefined) {
    return null;
  }
  switch (content.event) {
    case "budget_exceeded":
      return exceededMismatch(state, content, session);
    case "budget_raised":
      return raisedMismatch(content, session);
    case "enforcement_decision":
    case "reservation_settled":
    case "session_killed":
    case "session_expired":
    case "session_ended":
      return totalsMismatch(state, content, session);
    default:
      return null;
  }
}

function totalsMismatch(
  state: State,
  content: Extract<Content, { consumed: unknown }>,
  session: Session,
): string | null {
  const consumed = perUnit(content.consumed);
  const reserved = perUnit(content.reserved);
  const change = changeOf(state, content) ?? { spent: none, reserved: none };
  for (const unit of units) {
    if (state.header.kind === "slice") {
      if (consumed[unit] < session.spent[unit]) {
        return `consumed falls from ${session.spent[unit]} to ${consumed[unit]} ${unit}`;
      }
      continue;
    }
    const spent = session.spent[unit] + change.spent[unit];
    const held = session.reserved[unit] + change.reserved[unit];
    if (consumed[unit] !== spent || reserved[unit] !== held) {
      return `states ${consumed[unit]} ${unit} spent and ${reserved[unit]} held, counted are ${spent} and ${held}`;
    }
  }
  return null;
}

function exceededMismatch(state: State, content: BudgetExceeded, session: Session): string | null {
  const { unit, limit, spent, reserved, requested } = content;
  if (spent + reserved + requested <= limit) {
    return `${requested} ${unit} would have fitted under the limit of ${limit}`;
  }
  const owner = session.lineage.find(({ id }) => id === content.owner_session_id);
  if (owner === undefined) {
    // A slice does not show the ancestors, whose budget it may be.
    const hidden = state.header.kind === "slice" && session.start.parent_session_id !== null;
    return hidden ? null : "the budget is neither that of the session nor of an ancestor";
  }
  if (owner.limits[unit] !== limit || owner.start.on_exceeded !== content.on_exceeded) {
    return "limit and on_exceeded are not those of the session whose budget it is";
  }
  const counted = state.header.kind === "full";
  return counted && (owner.spent[unit] !== spent || owner.reserved[unit] !== reserved)
    ? `states ${spent} spent and ${reserved} held, counted are ${owner.spent[unit]} and ${owner.reserved[unit]}`
    : null;
}

function raisedMismatch(content: BudgetRaised, session: Session): string | null {
  if (content.unit === "ttl_seconds") {
    const { expires_at } = session;
    return expires_at === null || content.expires_at === null || content.expires_at <= expires_at
      ? "the new deadline is not later than the one in force"
      : null;
  }
  const limit = session.limits[content.unit];
  if (content.from !== limit) {
    return `states a raise from ${content.from}, in force is ${limit}`;
  }
  return limit === null || content.to <= limit ? "the new limit is not above the one in force" : null;
}
