/** Stage B, the header: members, types, constants, and what they say of the lines (vault-format.md, 8). */
import { signature_algorithm } from "../entry.js";
import { type Failure, failure } from "./code.js";
import {
  base64,
  count,
  exact,
  id,
  type JsonObject,
  key_id,
  list,
  oneOf,
  origin,
  type Shape,
  text,
  time,
} from "./shape.js";
import type { Trust } from "./trust.js";

export const bundle_format = "killcord-bundle/v1";

export interface Header {
  readonly kind: "full" | "slice";
  /** The session that a slice shows; null in a full bundle. */
  readonly session_id: string | null;
  readonly log: string;
  readonly workspace_id: string;
  readonly entry_count: number;
  readonly generated_at: string;
  readonly signing_keys: readonly unknown[];
  /** The note, verbatim. */
  readonly checkpoint: string;
  readonly older_checkpoints: readonly string[];
}

const reference: Shape = (value) =>
  Array.isArray(value) && value.length === 1 && value[0] === "xybern-proof-bundle/v1"
    ? null
    : "xybern-proof-bundle/v1 alone";

const common = {
  format: oneOf(bundle_format),
  compatible_with: reference,
  vault_version: oneOf("1"),
  hash_algorithm: oneOf("sha256"),
  canonical_content: oneOf(
    "JSON, keys sorted by code point, no spaces, ASCII with \\uXXXX escapes, integers only",
  ),
  entry_hash_formula: oneOf(
    "sha256(sequence_number|previous_hash or genesis|content_hash|entry_type|signed_at)",
  ),
  signature_scheme: oneOf("ECDSA P-256 with SHA-256 over the hex text of entry_hash, DER, base64"),
  log: origin,
  workspace_id: id,
  entry_count: count,
  // The last entry's signed_at, whose form stage E judges where it stands.
  generated_at: text,
  signing_keys: list(() => null),
  checkpoint: text,
};

const notes: Shape = (value) => list(text)(value) ?? ((value as []).length > 0 ? null : "not empty");
const full = exact({ ...common, kind: oneOf("full") }, { older_checkpoints: notes });
const slice = exact({ ...common, kind: oneOf("slice"), selection: exact({ session_id: id }) });

/** Reads the header, or tells what of it is not as it should be. */
export function readHeader(header: JsonObject): Header | Failure {
  const misfit = (header.kind === "slice" ? slice : full)(header);
  if (misfit !== null) {
    return failure("bundle.header", `the header should be ${misfit}`);
  }
  const value = header as JsonObject & Header;
  const selection = header.selection as { readonly session_id: string } | undefined;
  return {
    ...value,
    session_id: selection?.session_id ?? null,
    older_checkpoints: value.older_checkpoints ?? [],
  };
}

/** Whether the header is that of the log that the auditor asks about. */
export function checkOrigin(header: Header, trust: Trust): Failure | null {
  if (header.log !== trust.origin) {
    return failure("trust.origin", "the header names another log than the trust file");
  }
  return header.workspace_id === trust.workspace_id
    ? null
    : failure("trust.workspace", "the header names another workspace than the trust file");
}

/**
 * Whether the header fits the lines below it.
 *
 * @param count entry lines
 * @param last_signed_at what the last of them states
 */
export function checkLines(header: Header, count: number, last_signed_at: unknown): Failure | null {
  if (count === 0) {
    return failure("bundle.empty", "a log has at least one entry: its genesis");
  }
  if (header.entry_count !== count) {
    return failure("bundle.count", `entry_count is ${header.entry_count}, the file has ${count}`);
  }
  return last_signed_at === header.generated_at
    ? null
    : failure("bundle.header", "generated_at is not the signed_at of the last entry");
}

/** The shape of one of the header's signing keys. */
export const signing_key = exact({
  key_id,
  backend: oneOf("local", "kms", "pkcs11"),
  algorithm: oneOf(signature_algorithm),
  public_key_pem: text,
  created_at: time,
  first_sequence: count,
  root_key_id: key_id,
  certificate: base64,
});
