/** What an idempotency key leaves in the entry of its request. */

/** How a repeated request is recognised after a restart (vault-format.md, 3). */
export interface Idempotency {
  readonly key_digest: string;
  readonly request_digest: string;
  /** Salt of request_digest: the details' or the content's own; null once the details are erased. */
  readonly salt: string | null;
}
