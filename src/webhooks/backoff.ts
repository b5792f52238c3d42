/** How long a target is left alone after tries that failed. */

export interface BackoffBounds {
  readonly webhook_backoff_ms_min: number;
  readonly webhook_backoff_ms_max: number;
}

/**
 * Doubles with each failure up to the bound, and takes a part by chance: many senders that lost the same
 * receiver do not come back to it at once.
 *
 * @param failures in a row, 1 and up
 * @param chance 0 <= chance < 1
 * @param asked_ms what the receiver asked for; followed up to the bound
 */
export function backoff(failures: number, chance: number, asked_ms: number, bounds: BackoffBounds): number {
  const { webhook_backoff_ms_min, webhook_backoff_ms_max } = bounds;
  const whole = Math.min(webhook_backoff_ms_max, webhook_backoff_ms_min * 2 ** Math.min(failures - 1, 30));
  const wait_ms = whole / 2 + (chance * whole) / 2;
  return Math.max(wait_ms, Math.min(asked_ms, webhook_backoff_ms_max));
}
