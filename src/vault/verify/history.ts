/** Stage G: the log against what the auditor knew before, and keys that were lost (vault-format.md, 9). */
import { sameBytes } from "../encoding.js";
import { type HashTree, rootAt } from "../merkle.js";
import type { VerifyCrypto } from "../verify-crypto.js";
import type { Checkpoints, SignedCheckpoint } from "./checkpoints.js";
import { type Failure, failure } from "./code.js";
import type { SignedEntries } from "./entries.js";
import type { KnownCheckpoint, Trust } from "./trust.js";

/** What of a log can be compared: the whole tree, or of a slice the one root that its checkpoint has. */
export type Shown = { readonly tree: HashTree } | { readonly root: KnownCheckpoint };

/** Who signed what, and which keys the log itself calls lost. */
type Signers = Pick<SignedEntries, "signed" | "compromised">;

export function checkHistory(
  shown: Shown,
  checkpoints: Checkpoints,
  entries: Signers,
  trust: Trust,
  sha256: VerifyCrypto["sha256"],
): Failure | null {
  for (const known of trust.known_checkpoints) {
    const { size } = "tree" in shown ? shown.tree : shown.root;
    if (size < known.size) {
      return failure("checkpoint.rollback", `the log had ${known.size} entries before, now it has ${size}`);
    }
  }
  for (const known of trust.known_checkpoints) {
    const root = rootOf(shown, known.size, sha256);
    if (root !== null && !sameBytes(root, known.root)) {
      return failure("checkpoint.fork", `the log had another root at ${known.size} entries before`);
    }
  }
  return checkKeys(checkpoints, entries, trust);
}

/** Stage G of a receipt: its checkpoint's own size, and whether its key was lost before a quorum saw it. */
export function checkReceiptHistory(
  checkpoint: SignedCheckpoint,
  index: number,
  key_id: string,
  trust: Trust,
): Failure | null {
  const { size, root } = checkpoint;
  if (trust.known_checkpoints.some((known) => known.size === size && !sameBytes(known.root, root))) {
    return failure("checkpoint.fork", `the log had another root at ${size} entries before`);
  }
  const signed = new Map([[key_id, [index]]]);
  return checkKeys({ newest: checkpoint, older: [] }, { signed, compromised: [] }, trust);
}

function rootOf(shown: Shown, size: number, sha256: VerifyCrypto["sha256"]): Uint8Array | null {
  if ("tree" in shown) {
    return rootAt(shown.tree, size, sha256);
  }
  return shown.root.size === size ? shown.root.root : null;
}

/** The first entry of a lost key that no witness saw before the loss. */
function checkKeys(checkpoints: Checkpoints, entries: Signers, trust: Trust): Failure | null {
  const signed = [checkpoints.newest, ...checkpoints.older];
  let first: Failure | null = null;
  for (const { key_id, compromised_at } of [...trust.compromised_keys, ...entries.compromised]) {
    const covered = coveredBefore(Date.parse(compromised_at), signed, trust.witness_quorum);
    const index = entries.signed.get(key_id)?.find((sequence) => sequence >= covered);
    if (index !== undefined && (first?.sequence == null || index < first.sequence)) {
      const why = `${key_id} was compromised at ${compromised_at}, and no quorum of witnesses saw this before`;
      first = failure("entry.key_compromised", why, index);
    }
  }
  return first;
}

/** How many entries a quorum of witnesses had seen before a moment; without a quorum nobody had. */
function coveredBefore(moment_ms: number, signed: readonly SignedCheckpoint[], quorum: number): number {
  let covered = 0;
  for (const { size, witnesses } of signed) {
    const early = witnesses.filter(({ time_seconds }) => (time_seconds as number) * 1000 < moment_ms);
    if (quorum > 0 && early.length >= quorum && size > covered) {
      covered = size;
    }
  }
  return covered;
}
