/** Soft limits: a session that has spent such a part of a limit is warned, once for each part. */
import { system_actor } from "./actor.js";
import type { Draft } from "./decision.js";
import type { Amounts, Unit } from "./event-parts.js";
import { parentOf, pathFromRoot } from "./scope.js";
import type { Session, State } from "./state.js";

const units: readonly Unit[] = ["actions", "tokens", "cost_usd_micros"];

/** The highest of the parts at which a session is warned that it has reached, in per cent; 0 for none. */
export function reachedPercent(session: Session, unit: Unit, added = 0): number {
  const { limit } = session[unit];
  const spent = session[unit].spent + added;
  if (limit === null || spent === 0) {
    return 0;
  }
  return session.warn_at_percent.findLast((percent) => isReached(spent, limit, percent)) ?? 0;
}

/** Exactly: a product of amounts may be larger than a double tells apart. */
function isReached(spent: number, limit: number, percent: number): boolean {
  return BigInt(spent) * 100n >= BigInt(limit) * BigInt(percent);
}

/**
 * Seals what some sessions are to be told of their limits.
 *
 * @param actions that the entries drafted so far add at each of them
 * @param amounts that they add, likewise
 */
export function warn(draft: Draft, sessions: readonly Session[], actions: number, amounts: Amounts): void {
  for (const session of sessions) {
    if (session.warn_at_percent.length === 0 || session.stop !== null) {
      continue;
    }
    for (const unit of units) {
      const added = unit === "actions" ? actions : amounts[unit];
      const percent = reachedPercent(session, unit, added);
      if (percent > session.warned_percent[unit]) {
        draft.add({
          event: "notice",
          actor: system_actor,
          session_id: session.session_id,
          kind: "soft_limit",
          body: {
            unit,
            percent,
            limit: session[unit].limit as number,
            spent: session[unit].spent + added,
          },
        });
      }
    }
  }
}

/** The same of a session and of all above it, as after an action: costs nothing where none of them asks for it. */
export function warnPath(
  state: State,
  draft: Draft,
  session: Session,
  actions: number,
  amounts: Amounts,
): void {
  for (let each: Session | undefined = session; each !== undefined; each = parentOf(state, each)) {
    if (each.warn_at_percent.length > 0) {
      warn(draft, pathFromRoot(state, session), actions, amounts);
      return;
    }
  }
}
