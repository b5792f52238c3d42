/** Bounds of actions that wait for a person; limits.ts has them beside the others. */
export const escalation_limits = {
  /** Escalations that wait for a person: of one session, of one agent, of the workspace. */
  escalations_pending_session: 16,
  escalations_pending_agent: 100,
  escalations_pending: 1_000,
  /** How long one waits if nothing else is set, at most, in seconds; and how long an approval is good for. */
  escalation_ms: 900_000,
  escalation_seconds_max: 7 * 86_400,
  approval_ms: 900_000,
  /** So long after texts of actions were erased their places in the store are written over. */
  texts_erased_ms: 2_000,
} as const;

if (
  escalation_limits.escalations_pending_session > escalation_limits.escalations_pending_agent ||
  escalation_limits.escalations_pending_agent > escalation_limits.escalations_pending ||
  escalation_limits.escalation_ms > escalation_limits.escalation_seconds_max * 1000
) {
  throw new Error("limits/escalations.ts: two limits contradict each other");
}
