/** Bounds of `killcord run`, which runs on machines of its own: the server knows nothing of them. */
export const bounds = {
  /** How long processes that were sent SIGKILL may take to go before they count as left. */
  kill_ms: 10_000,
  /** How often it looks for processes that leave their session, and the least that this rests for each of looking. */
  lookout_ms: 500,
  lookout_rest: 50,
  /** How often a run without a session tries for one, and how long an interrupted start waits to give its back. */
  fail_open_retry_ms: 1_000,
  interrupted_ms: 1_000,
  /** How long its guard may take to start, and how often it is replaced in one run. */
  guard_start_ms: 10_000,
  guard_replacements: 16,
} as const;
