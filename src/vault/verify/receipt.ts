/** Receipts: one entry and the proof that a log has it (vault-format.md, 6, "Receipt"). */
import { limits } from "../../limits.js";
import { bytesOf, sameBytes, toBase64 } from "../encoding.js";
import { LeafError, parseLeaf } from "../entry.js";
import type { VerifyCrypto } from "../verify-crypto.js";
import type { SignedCheckpoint } from "./checkpoints.js";
import { type Failure, failure } from "./code.js";
import { chain_start, checkEntry, type Entry } from "./entry-check.js";
import { checkReceiptHistory } from "./history.js";
import { type EntryKeys, readKeys } from "./keys.js";
import { type Findings, type Proven, type Report, refusal, remarksOf } from "./report.js";
import { exact, id, isObject, object, oneOf, text } from "./shape.js";
import { checkTlogProof, parseTlogProof, proof_header, type TlogProof } from "./tlog-proof.js";
import { readTrust, type Trust } from "./trust.js";

export const receipt_format = "killcord-receipt/v1";

interface Receipt {
  readonly decision_id?: string;
  readonly entry: Readonly<Record<string, unknown>>;
  readonly signing_key: unknown;
  readonly proof: { readonly tlog_proof: string };
}

const shape = exact(
  { format: oneOf(receipt_format), entry: object, signing_key: object, proof: exact({ tlog_proof: text }) },
  { decision_id: id },
);

/** Which of the two a file is; null when it is neither, but perhaps a bundle. */
export function receiptKind(bytes: Uint8Array, path: string): "receipt" | "proof" | null {
  const start = decode(bytes.subarray(0, proof_header.length)) ?? "";
  if (path.endsWith(".tlog-proof") || start.startsWith("c2sp.org/tlog-proof@")) {
    return "proof";
  }
  const value = bytes.length > limits.receipt_bytes ? undefined : parse(bytes);
  const says = isObject(value) ? value.format : undefined;
  // A file of that name that says nothing of itself was meant to be one.
  const meant = /(?:^|[/\\])receipt\.json$/.test(path) && typeof says !== "string";
  return says === receipt_format || meant ? "receipt" : null;
}

export interface ReceiptOptions {
  /** Whether trust.json came by another way than with the evidence. */
  readonly trust_given: boolean;
  readonly crypto: VerifyCrypto;
}

/** Judges a receipt.json by value, or the bytes of a tlog-proof whose extra is the leaf. */
export function verifyReceipt(
  kind: "receipt" | "proof",
  bytes: Uint8Array,
  trust: Uint8Array | null,
  { trust_given, crypto }: ReceiptOptions,
): Report {
  const word: Findings["trust"] = trust_given ? "given" : "own word";
  const pinned = trust === null ? "there is no trust.json to be read" : readTrust(trust, crypto);
  if (typeof pinned === "string") {
    return refusal([failure("trust.unreadable", pinned)], word, null);
  }
  const judged =
    kind === "receipt" ? judgeReceipt(parse(bytes), pinned, crypto) : judgeProof(bytes, pinned, crypto);
  if ("code" in judged) {
    return refusal([judged], word, pinned, { kind });
  }
  const { checkpoint, proven, key } = judged;
  const { size, root, witnesses } = checkpoint;
  return {
    exit: 0,
    code: null,
    failures: [],
    kind,
    entries: 1,
    tree_size: size,
    root: toBase64(root),
    authentic: true,
    complete_to: null,
    witnessed: { quorum: pinned.witness_quorum, by: witnesses.map((witness) => witness.key.name) },
    erased: [],
    sessions: {},
    trust: word,
    remarks: {
      ...remarksOf(pinned, { newest: checkpoint, older: [] }),
      signers: key === null ? [] : [key.key_id],
      roots: key === null ? [] : [key.root_key_id],
      proven,
    },
  };
}

interface Judged {
  readonly checkpoint: SignedCheckpoint;
  readonly proven: Proven;
  /** Null in a bare proof, which does not carry the entry's key. */
  readonly key: { readonly key_id: string; readonly root_key_id: string } | null;
}

function judgeReceipt(value: unknown, trust: Trust, crypto: VerifyCrypto): Judged | Failure {
  const misfit = shape(value);
  if (misfit !== null) {
    return failure("receipt.syntax", `the receipt should be ${misfit}`);
  }
  const receipt = value as Receipt;
  const { log } = receipt.entry;
  if (typeof log === "string" && log !== trust.origin) {
    return failure("trust.origin", "the entry is one of another log than that of the trust file");
  }
  const keys = readKeys([receipt.signing_key], trust, crypto);
  if ("code" in keys) {
    return keys;
  }
  const leaf = checkAlone(receipt.entry, keys, trust, crypto);
  if (typeof leaf !== "string") {
    return leaf;
  }
  const entry = receipt.entry as unknown as Entry;
  const proof = parseTlogProof(receipt.proof.tlog_proof);
  if (proof === null) {
    return failure("proof.syntax", `the proof is no ${proof_header}`);
  }
  const mismatch = mismatchOf(receipt, entry, bytesOf(leaf), proof);
  if (mismatch !== null) {
    return failure("receipt.mismatch", mismatch, entry.sequence_number);
  }
  const checkpoint = checkTlogProof(bytesOf(leaf), proof, trust, crypto);
  if ("code" in checkpoint) {
    return checkpoint;
  }
  const [key = null] = keys.values();
  const { sequence_number, signed_at, content } = entry;
  return (
    checkReceiptHistory(checkpoint, sequence_number, entry.signature.key_id, trust) ?? {
      checkpoint,
      key,
      proven: { sequence: sequence_number, signed_at, content },
    }
  );
}

/** Stage E for one entry: of its place in the chain nothing can be said but what it states itself. */
function checkAlone(
  entry: Receipt["entry"],
  keys: EntryKeys,
  trust: Trust,
  crypto: VerifyCrypto,
): string | Failure {
  const number = typeof entry.sequence_number === "number" ? entry.sequence_number : null;
  const place = { ...chain_start, expected: number ?? 0 };
  const checked = checkEntry(entry, place, { kind: "full", origin: trust.origin, keys, crypto });
  return "code" in checked ? failure(checked.code, checked.why, number) : checked.leaf;
}

function mismatchOf(receipt: Receipt, entry: Entry, leaf: Uint8Array, proof: TlogProof): string | null {
  if (proof.index !== entry.sequence_number) {
    return `the proof is about index ${proof.index}, not about this entry`;
  }
  if (proof.extra === null || !sameBytes(proof.extra, leaf)) {
    return "the proof's extra is not the leaf of this entry";
  }
  const { event, decision_id } = entry.content;
  const decided = event === "enforcement_decision" ? decision_id : undefined;
  return receipt.decision_id === decided ? null : "decision_id is not that of the entry";
}

/** A bare proof: its extra is the leaf, and the tree has it or not. */
function judgeProof(bytes: Uint8Array, trust: Trust, crypto: VerifyCrypto): Judged | Failure {
  const text = bytes.length > limits.receipt_bytes ? null : decode(bytes);
  const proof = text === null ? null : parseTlogProof(text);
  if (proof === null) {
    return failure("proof.syntax", `the file is no ${proof_header}`);
  }
  if (proof.extra === null) {
    return failure("proof.syntax", "the proof does not hold the leaf that it is about, as extra");
  }
  const checkpoint = checkTlogProof(proof.extra, proof, trust, crypto);
  if ("code" in checkpoint) {
    return checkpoint;
  }
  const leaf = leafIn(proof.extra);
  if (leaf === null || leaf.log !== trust.origin || leaf.sequence_number !== proof.index) {
    return failure("receipt.mismatch", "the leaf is not that of an entry at this index", proof.index);
  }
  const { signature, sequence_number, signed_at } = leaf;
  return (
    checkReceiptHistory(checkpoint, sequence_number, signature.key_id, trust) ?? {
      checkpoint,
      key: null,
      proven: { sequence: sequence_number, signed_at, content: null },
    }
  );
}

function leafIn(bytes: Uint8Array): ReturnType<typeof parseLeaf> | null {
  try {
    return parseLeaf(decode(bytes) ?? "");
  } catch (error) {
    if (error instanceof LeafError) {
      return null;
    }
    throw error;
  }
}

function decode(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decode(bytes) ?? "");
  } catch {
    return undefined;
  }
}
