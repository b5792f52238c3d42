/** How many commands may wait for the disk. Stops have bounds of their own: intercepts refuse none. */
import type { Command, Unstamped } from "../core/command.js";
import { limits } from "../limits.js";

/**
 * `ends`: agents end their own sessions; however often they do, an operator's kill has room.
 * `acknowledgements`: what clients say of their stops, or do not; neither actions nor endings keep it out.
 * `signs`: of life, which renew leases; however many actions wait, those have room.
 */
export type Lane = "stops" | "ends" | "acknowledgements" | "signs" | "commands";

const lanes: Readonly<Record<Command["type"], Lane>> = {
  start_session: "commands",
  intercept: "commands",
  settle: "commands",
  cancel_reservation: "commands",
  touch_session: "signs",
  start_drill: "commands",
  end_drill: "stops",
  register_agent: "commands",
  issue_credential: "commands",
  create_key: "commands",
  change_policy: "commands",
  sum_up_terminates: "stops",
  seal_heartbeat: "stops",
  finish_cascades: "stops",
  kill_session: "stops",
  order_halt: "stops",
  lift_halt: "stops",
  pause_session: "stops",
  resume_session: "stops",
  update_budgets: "stops",
  end_session: "stops",
  acknowledge_halt: "acknowledgements",
  expire_session: "stops",
  lapse_reservation: "stops",
  unconfirm_halt: "acknowledgements",
  // A rejection is a stop, and people are few.
  resolve_escalation: "stops",
  expire_escalation: "stops",
  revoke_agent: "stops",
  revoke_credential: "stops",
  revoke_key: "stops",
  // With no overlap it takes a secret away at once.
  rotate_key: "stops",
};

export function laneOf(command: Unstamped): Lane {
  return command.type === "end_session" && command.actor.role === "agent" ? "ends" : lanes[command.type];
}

/** Commands that may wait in each lane. */
export const lane_limits: Readonly<Record<Lane, number>> = {
  stops: limits.queue_stops,
  ends: limits.queue_ends,
  acknowledgements: limits.queue_acknowledgements,
  signs: limits.queue_signs,
  commands: limits.queue_commands,
};

export const empty_lanes: Readonly<Record<Lane, number>> = {
  stops: 0,
  ends: 0,
  acknowledgements: 0,
  signs: 0,
  commands: 0,
};
