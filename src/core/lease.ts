/** Leases in numbers and words: how long a session may go on without its client being heard. */
import { limits } from "../limits.js";

/**
 * How much longer than the lease the server waits, in milliseconds. The client stops itself at the end
 * of the lease, which it counts from earlier than the server does; the grace is for clocks that run
 * apart and for a client that is slow to stop, so that it has stopped when the server says so.
 */
export function leaseGrace(lease_seconds: number): number {
  return Math.max(limits.lease_grace_ms_min, Math.ceil((lease_seconds * 1000) / limits.lease_grace_part));
}

/** When a lease is lost that runs from a time, unless it is renewed before. */
export function leaseDeadline(lease_seconds: number, runs_from: number): number {
  return runs_from + lease_seconds * 1000 + leaseGrace(lease_seconds);
}

/** Text for people about a lease that was lost. */
export function lostReason(lease_seconds: number): string {
  return `lease lost: lease_seconds ${lease_seconds}`;
}
