import { canonical } from "../canonical.js";

/** The closed set of a verifier's findings (vault-format.md, 9), in the order of its stages. */
export type VerifyCode =
  // A input
  | "trust.unreadable"
  | "input.unreadable"
  | "input.version"
  // B layout
  | "bundle.layout"
  | "bundle.header"
  | "trust.origin"
  | "trust.workspace"
  | "bundle.empty"
  | "bundle.count"
  // C keys
  | "keys.key_id"
  | "keys.duplicate"
  | "keys.certificate"
  // D checkpoint
  | "checkpoint.syntax"
  | "checkpoint.signature"
  | "checkpoint.missing_signature"
  | "checkpoint.witness"
  | "log.missing"
  | "checkpoint.differs"
  // E entries
  | "entry.field"
  | "entry.origin"
  | "chain.gap"
  | "chain.duplicate"
  | "chain.previous_hash"
  | "entry.content_hash"
  | "entry.details_digest"
  | "entry.entry_hash"
  | "entry.entry_id"
  | "entry.unknown_key"
  | "entry.key_range"
  | "entry.signature"
  | "entry.time"
  // F tree
  | "checkpoint.size"
  | "log.unexpected"
  | "leaf.mismatch"
  | "log.tile"
  | "checkpoint.root"
  | "slice.proof"
  // G history
  | "checkpoint.rollback"
  | "checkpoint.fork"
  | "entry.key_compromised"
  // Receipts
  | ReceiptCode
  // H contents and behaviour
  | "slice.selection"
  | ContentCode
  | BehaviourCode
  | EndCode;

/** What is wrong with a receipt or a proof itself (vault-format.md, 6). */
export type ReceiptCode =
  | "receipt.syntax"
  | "receipt.mismatch"
  | "proof.syntax"
  | "proof.index"
  | "proof.hash";

export type ContentCode = "content.event" | "content.schema" | "content.time" | "content.decimals";

export type BehaviourCode =
  | "behaviour.genesis"
  | "behaviour.unknown_reference"
  | "behaviour.session_index"
  | "behaviour.start_while_stopped"
  | "behaviour.action_after_end"
  | "behaviour.allow_while_halted"
  | "behaviour.allow_while_paused"
  | "behaviour.allow_after_expiry"
  | "behaviour.over_budget"
  | "behaviour.count_mismatch"
  | "behaviour.terminate_without_cause"
  | "behaviour.kill_without_cause"
  | "behaviour.kill_without_actor"
  | "behaviour.transition"
  | "behaviour.ack_without_halt"
  | "behaviour.approved_after_end"
  | "behaviour.heartbeat";

export type EndCode =
  | "erasure.unauthorised"
  | "erasure.incomplete"
  | "behaviour.cascade_mismatch"
  | "behaviour.no_end";

/** One finding: what is wrong, and at which entry if at one. */
export interface Failure {
  readonly code: VerifyCode;
  readonly sequence: number | null;
  /** For people; texts out of the evidence are quoted in it, so that they cannot command a terminal. */
  readonly why: string;
}

export function failure(code: VerifyCode, why: string, sequence: number | null = null): Failure {
  return { code, sequence, why };
}

/** A text out of the evidence, for people: pure ASCII in quotes, cut when it is long. */
export function quoted(text: string): string {
  const short = text.length > 100 ? `${text.slice(0, 100)}\u2026` : text;
  return canonical(short.toWellFormed());
}
