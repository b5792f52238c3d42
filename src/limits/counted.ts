/** Bounds on what policies remember of earlier actions. */

export const counted_limits = {
  /**
   * Sessions, agents and labels that one policy counts for at a time, and all policies together; numbers
   * that are kept of them. Beyond, an action is refused rather than passed uncounted.
   */
  counted_keys_of_policy: 100_000,
  counted_keys: 400_000,
  counted_numbers_of_policy: 1_000_000,
  counted_numbers: 4_000_000,
  /** Actions of a rate policy; those up to which each has its own time. */
  rate_count_max: 100_000,
  marks_exact: 256,
  /** How far back a rate or a sequence may reach: 31 days. */
  policy_window_seconds_max: 2_678_400,
  /** Steps of a sequence. */
  sequence_steps_max: 16,
  /** Characters of a pattern of action types, agents or labels. */
  policy_glob_characters: 256,
  /** What a session may ask for at most: a year; reservations that may be open below it. */
  session_seconds_max: 31_536_000,
  max_concurrent_max: 1_000,
  /** Loops: newest actions of a session that are compared; of cycles, how long and how often; sessions. */
  loop_actions: 128,
  cycle_length_max: 16,
  cycle_count_max: 8,
  loop_sessions: 20_000,
} as const;
