/** What the engine asks for by itself. */
import type { Common } from "./command-parts.js";

/** The engine's summary of `terminate` verdicts that were given and not sealed one by one. */
export interface SumUpTerminates extends Common {
  readonly type: "sum_up_terminates";
  readonly session_id: string;
  readonly count: number;
}

/** The engine's regular count of what the log holds. */
export interface SealHeartbeat extends Common {
  readonly type: "seal_heartbeat";
  readonly interval_seconds: number;
}

/** The engine's first command: a crash may have cut the entries of an order from the order. */
export interface FinishCascades extends Common {
  readonly type: "finish_cascades";
}
