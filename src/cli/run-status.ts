/** How `killcord run` says by its exit status how the run ended; like timeout(1) where that has a number. */
import type { Termination } from "../../sdk/typescript/src/node.js";
import type { Finish } from "../supervisor/supervise.js";

/** The lease ended, and no server had said anything. */
export const status_lease_lost = 123;
/** It was stopped: by an order, a budget, the clock, a revocation. */
export const status_stopped = 124;
/** Processes are left that cannot be ended, or no guard could be kept. */
export const status_failed = 125;

/** @param how how the session came to its end, as far as it is known here; null while it goes on */
export function statusOfRun(finish: Finish, how: Termination | null): number {
  switch (finish.kind) {
    case "refused":
    case "interrupted":
      return finish.status;
    case "exited":
      return finish.left.length > 0 ? status_failed : finish.status;
    case "stopped":
      if (finish.left.length > 0 || how === null) return status_failed;
      // The server names every stop that it knows of.
      return how.stopReason === "lease_lost" && how.haltId === undefined ? status_lease_lost : status_stopped;
  }
}
