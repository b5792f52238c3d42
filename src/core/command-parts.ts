/** What commands are made of: members that all of them have. */
import type { Actor } from "./actor.js";

/** A lease that nobody renewed in time. */
export interface LostLease {
  readonly session_id: string;
  /** From when it ran. */
  readonly last_heard_at: number;
}

export interface Common {
  /** Engine time, whole milliseconds; stamped by the sequencer, never decreasing. */
  readonly at: number;
  readonly actor: Actor;
  readonly request_id: string | null;
  /**
   * Leases that are lost by now, of the session that the command names and of those above it, from the
   * root down; stamped by the sequencer, since renewals are not sealed. Absent when there are none.
   */
  readonly lost_leases?: readonly LostLease[];
}
