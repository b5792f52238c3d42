/** Raising limits: a person gives a session more, and it goes on if it waited for that. */
import { quoted, refuseSession } from "./access.js";
import { amountText, exceeds } from "./charge.js";
import type { UpdateBudgets } from "./command-budget.js";
import { type Decision, Draft, type Fault, refuse } from "./decision.js";
import type { BudgetRaised } from "./event-budget.js";
import type { Cause } from "./event-parts.js";
import { release, resume } from "./pause.js";
import { ceilingBelow } from "./policy/session-budgets.js";
import { parentOf, sessionsOn } from "./scope.js";
import { sessionReply, touchOrStopped } from "./session.js";
import { haltOn } from "./standing.js";
import type { Session, State } from "./state.js";

type Raised = BudgetRaised["unit"];

interface Raise {
  readonly unit: Raised;
  readonly from: number;
  readonly to: number;
}

/** The limits as commands name them. */
const members = {
  actions: "max_actions",
  tokens: "max_tokens",
  cost_usd_micros: "max_cost_usd_micros",
  ttl_seconds: "ttl_seconds",
} as const;

/** The limits as callers name them. */
const requested = { ...members, cost_usd_micros: "max_cost_usd" } as const;

const units = Object.keys(members) as readonly Raised[];

/** Limits only rise: to take away what was given is to stop the session, which is another order. */
export function updateBudgets(state: State, command: UpdateBudgets): Decision {
  const refusal = refuseSession(state, command, command.session_id);
  if (refusal !== null) {
    return refusal;
  }
  const session = state.sessions.get(command.session_id) as Session;
  const touched = touchOrStopped(state, command, session);
  if (touched !== null) {
    const why = `the session ${quoted(session.session_id)} has stopped: its budgets are those it had`;
    return { reply: refuse("session_not_active", why).reply, events: touched.events };
  }
  const raises = raisesOf(state, session, command);
  if ("reply" in raises) {
    return raises;
  }
  const draft = new Draft(state, command);
  let cause: Cause | null = null;
  for (const raise of raises) {
    const sequence = seal(draft, session, raise, command);
    cause = makesRoom(session, raise) ? { event: "budget_raised", sequence } : cause;
  }
  if (cause !== null) {
    goOn(state, draft, session, command, cause);
  }
  return { reply: sessionReply(session.session_id, false).reply, events: draft.events };
}

/** What rises, or why nothing may: of faults all are told. */
function raisesOf(state: State, session: Session, command: UpdateBudgets): readonly Raise[] | Decision {
  const raises: Raise[] = [];
  const faults: Fault[] = [];
  for (const unit of units) {
    const to = command[members[unit]];
    const from = unit === "ttl_seconds" ? session.ttl_seconds : session[unit].limit;
    if (to === null || to === from) {
      continue;
    }
    if (from === null) {
      faults.push({
        field: `budgets.${requested[unit]}`,
        issue: "the session has no such limit, and none is added to it later",
      });
    } else if (to < from) {
      const now = unit === "ttl_seconds" ? String(from) : amountText(unit, from);
      faults.push({
        field: `budgets.${requested[unit]}`,
        issue: `the limit in force is ${now}, and limits only rise`,
      });
    } else {
      raises.push({ unit, from, to });
    }
  }
  if (faults.length > 0) {
    const texts = faults.map(({ field, issue }) => `${field}: ${issue}`);
    return refuse("invalid_argument", texts.join("; "), faults);
  }
  for (const { unit, to } of raises) {
    const why = ceilingBelow(state.policies, session, members[unit], to);
    if (why !== null) {
      return refuse("above_ceiling", why);
    }
  }
  return raises;
}

function seal(
  draft: Draft,
  session: Session,
  { unit, from, to }: Raise,
  { actor, reason }: UpdateBudgets,
): number {
  return draft.add({
    event: "budget_raised",
    actor,
    session_id: session.session_id,
    unit,
    from,
    to,
    expires_at: unit === "ttl_seconds" ? session.started_at + to * 1000 : null,
    reason,
  });
}

/** Whether what holds the session is that it has reached this limit, and what it asked for then fits now. */
function makesRoom({ pause, ...session }: Session, { unit, to }: Raise): boolean {
  const exceeded = pause?.exceeded ?? null;
  return (
    exceeded !== null && exceeded.unit === unit && !exceeds({ ...session[unit], limit: to }, exceeded.amount)
  );
}

/** Lets a session go on, and all below it that nothing else holds; but not against an order or a held parent. */
function goOn(
  state: State,
  draft: Draft,
  session: Session,
  { actor, reason }: UpdateBudgets,
  cause: Cause,
): void {
  if (parentOf(state, session)?.pause != null || haltOn(state, session) !== null) {
    return;
  }
  resume(draft, session, { actor, reason, cause });
  const below = sessionsOn(state, { kind: "session", id: session.session_id });
  release(state, draft, below, { actor, reason, cause }, new Set(), new Set([session.session_id]));
}
