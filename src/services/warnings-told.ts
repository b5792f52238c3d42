/** Which soft limits of its session a stream has told: each once, and again when the limit was raised since. */
import { DirectiveKind } from "../../gen/killcord/v1/enforcement_pb.js";
import type { Unit } from "../core/event-parts.js";
import type { Session } from "../core/state.js";
import type { Sent } from "./stream-view.js";
import { softLimitText } from "./warnings.js";

const units: readonly Unit[] = ["actions", "tokens", "cost_usd_micros"];

export class WarningsTold {
  /** The highest part told, in per cent. */
  readonly #told: Record<Unit, number> = { actions: 0, tokens: 0, cost_usd_micros: 0 };

  /** The directives for what was reached since; one that comes back hears the highest part again. */
  news(session: Session): readonly Extract<Sent, { case: "directive" }>["value"][] {
    return units.flatMap((unit) => {
      const percent = session.warned_percent[unit];
      const is_new = percent > this.#told[unit];
      this.#told[unit] = percent;
      const { limit, spent } = session[unit];
      return is_new && limit !== null
        ? [{ kind: DirectiveKind.WARN, reason: softLimitText(unit, percent, limit, spent) }]
        : [];
    });
  }
}
