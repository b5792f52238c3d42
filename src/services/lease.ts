/** Leases as callers ask for them and see them. */
import { OnLeaseLost, type StartSessionRequest } from "../../gen/killcord/v1/session_pb.js";
import type { StartSession } from "../core/command.js";
import type { OnLeaseLost as Ending } from "../core/event.js";
import type { Session } from "../core/state.js";
import { invalid } from "./validate.js";

const endings: Readonly<Record<OnLeaseLost, Ending>> = {
  [OnLeaseLost.UNSPECIFIED]: "kill",
  [OnLeaseLost.KILL]: "kill",
  [OnLeaseLost.PAUSE]: "pause",
  [OnLeaseLost.CONTINUE]: "continue",
};

const codes: Readonly<Record<Ending, OnLeaseLost>> = {
  kill: OnLeaseLost.KILL,
  pause: OnLeaseLost.PAUSE,
  continue: OnLeaseLost.CONTINUE,
};

/**
 * The lease that a request asks for.
 *
 * @throws {KillcordError} invalid_argument: an ending of a lease, and no lease
 */
export function leaseAsked({
  leaseSeconds,
  onLeaseLost,
}: StartSessionRequest): Pick<StartSession, "lease_seconds" | "on_lease_lost"> {
  if (leaseSeconds !== undefined) {
    return { lease_seconds: leaseSeconds, on_lease_lost: endings[onLeaseLost] };
  }
  if (onLeaseLost !== OnLeaseLost.UNSPECIFIED) {
    throw invalid([{ field: "on_lease_lost", issue: "needs lease_seconds" }]);
  }
  return { lease_seconds: null, on_lease_lost: null };
}

/** The lease of a session, as members of its message. */
export function leaseView({ lease_seconds, on_lease_lost }: Session): {
  readonly leaseSeconds?: number;
  readonly onLeaseLost?: OnLeaseLost;
} {
  return lease_seconds === null || on_lease_lost === null
    ? {}
    : { leaseSeconds: lease_seconds, onLeaseLost: codes[on_lease_lost] };
}
