/** What tells of rehearsals: a session of its own that is stopped like any other. */
import type { Scope } from "./event-halt.js";
import type { Common } from "./event-parts.js";

export interface DrillStarted extends Common {
  readonly event: "drill_started";
  readonly drill_id: string;
  readonly scope: Scope;
}

/** How long after the stop was asked for each step was reached, in milliseconds; those that were. */
export type DrillElapsed = {
  readonly [step in "requested" | "delivered" | "acknowledged" | "confirmed"]?: number;
};

export interface DrillEnded extends Common {
  readonly event: "drill_ended";
  readonly drill_id: string;
  readonly drill_session_id: string | null;
  readonly outcome: "confirmed" | "unconfirmed";
  readonly elapsed_ms: DrillElapsed | null;
}
