/** What the demo and its agents, each in a process of its own, say to each other. */

/** What an agent may spend, and what each of its actions takes: whole tokens, or micro-USD. */
export interface Allowance {
  readonly unit: "tokens" | "cost";
  readonly limit: number;
  readonly each: number;
  readonly on_exceeded: "terminate" | "pause";
}

/** What an agent is to do. Its secret comes this way, so that no process list shows it. */
export interface Task {
  readonly url: string;
  readonly api_key: string;
  readonly agent_id: string;
  /** The tree whose files it hashes, over and over: it does not stop by itself. */
  readonly folder: string;
  readonly allowance: Allowance | null;
}

/** What an agent tells as it goes. */
export type Report =
  | { readonly kind: "started"; readonly session_id: string }
  | { readonly kind: "progress"; readonly actions: number; readonly bytes: number }
  | { readonly kind: "held"; readonly actions: number; readonly reason: string }
  | { readonly kind: "resumed"; readonly at_ms: number }
  | Stopped
  | { readonly kind: "failed"; readonly message: string };

/** An agent's last word: how it learned that it is stopped. */
export interface Stopped {
  readonly kind: "stopped";
  /** Actions that it was allowed. */
  readonly actions: number;
  readonly bytes: number;
  readonly stop_reason: string;
  readonly kill_reason: string;
  /** When its stream told the stop, on the machine's monotonic clock. */
  readonly stream_at_ms: number;
  /** When it was answered `terminate`, and how long after it had asked; null if the stream was first. */
  readonly verdict_at_ms: number | null;
  readonly verdict_round_trip_ms: number | null;
  /** The verdict on one more action, asked for after the stop. */
  readonly asked_again: string;
}

/**
 * Milliseconds on the clock that all processes of this machine share: hrtime counts from the same
 * point in each of them and is never set, as a wall clock may be.
 */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
