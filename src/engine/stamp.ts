/** What a command may not find out by itself: the time, lost leases, and whatever takes hashing. */
import type { Command, Unstamped } from "../core/command.js";
import { policiesAfter } from "../core/policy/change.js";
import type { State } from "../core/state.js";
import { limits } from "../limits.js";
import type { Clock } from "./clock.js";
import { policySetDigest, stampRepeat } from "./digest.js";
import type { Leases } from "./leases.js";
import type { Loops } from "./loops.js";
import type { Enclosed } from "./outcome.js";
import { stampEscalation } from "./same-action.js";

export interface StampParts {
  readonly state: State;
  readonly clock: Clock;
  /** Knows which leases are lost. */
  readonly leases: Pick<Leases, "lostBy">;
  /** How long an escalation waits for a person. */
  readonly escalation_ms: number;
  /** Knows which loops an action goes on with. */
  readonly loops: Pick<Loops, "found">;
}

/** The command as it is decided. */
export function stamp(parts: StampParts, asked: Unstamped, enclosed: Enclosed): Command {
  const command = stampTime(parts, asked, enclosed);
  if (command.type !== "intercept") {
    return command;
  }
  const { escalation_ms } = parts;
  const named = stampEscalation(parts.state, command);
  return escalation_ms === limits.escalation_ms ? named : { ...named, escalation_ms };
}

function stampTime(
  { state, clock, leases, loops }: StampParts,
  asked: Unstamped,
  { received_ms, request = null }: Enclosed,
): Command {
  const at = Math.max(clock.now(), state.at);
  const lost_leases = leases.lostBy(asked, at);
  const unstamped = lost_leases.length === 0 ? asked : { ...asked, lost_leases };
  // What is new comes first: a member that is added to a copy costs as much as the copy.
  if (unstamped.type === "change_policy") {
    const policy_set_digest = policySetDigest(policiesAfter(state, unstamped));
    return stampRepeat(state, { at, ...unstamped, policy_set_digest }, request);
  }
  if (unstamped.type !== "intercept") {
    return stampRepeat(state, { at, ...unstamped }, request);
  }
  const found = loops.found(unstamped, at);
  const looped = found.length === 0 ? unstamped : { ...unstamped, loops: found };
  if (received_ms === undefined) {
    return stampRepeat(state, { at, ...looped }, request);
  }
  const latency_us = Math.max(0, Math.round((performance.now() - received_ms) * 1000));
  return stampRepeat(state, { at, ...looped, latency_us }, request);
}
