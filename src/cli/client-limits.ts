/**
 * Bounds of the command line on its own patience and output. What callers can make big on a server is
 * bounded in limits.ts, and what both sides must agree on.
 */
export const client_limits = {
  /** A client's connection without a call under way is closed. */
  client_idle_ms: 1_000,
  /** Between two tries to connect again, jittered, and when a watch gives up trying. */
  watch_retry_ms_min: 250,
  watch_retry_ms_max: 5_000,
  watch_give_up_ms: 300_000,
  /** Work that takes longer than this shows how far it is, this often. */
  progress_after_ms: 1_000,
  progress_ms: 100,
  /** How long an order is repeated that the server does not answer. */
  halt_order_ms: 5_000,
  /** How often a client asks how far a stop is, and unconfirmed sessions that it shows. */
  halt_poll_ms: 100,
  halt_sessions_shown: 20,
  /** Files of one export that a client writes. */
  export_files: 1_000_000,
  /** How long the demo waits for its server, and for the whole of its work. */
  demo_start_ms: 30_000,
  demo_ms: 60_000,
  /** Files above this are left out of the demo's work. */
  demo_file_bytes: 1024 * 1024,
} as const;
