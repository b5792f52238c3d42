/** The export as bytes (vault-format.md, 8): a header line, a line an entry, an end. */
import { createPublicKey } from "node:crypto";
import { canonical } from "./canonical.js";
import type { EntryKey } from "./certificate.js";
import { toBase64 } from "./encoding.js";
import type { Genesis } from "./genesis.js";
import type { StoredEntry } from "./journal.js";

/** What the header of a bundle says about the log. */
export interface BundleHeader {
  readonly genesis: Genesis;
  /** The session that a slice shows; null for the whole log. */
  readonly session_id: string | null;
  /** The note of the checkpoint that the entries are shown under, verbatim. */
  readonly checkpoint: string;
  readonly entry_count: number;
  /** `signed_at` of the last entry: the same log gives the same bytes, whenever it is asked. */
  readonly generated_at: string;
}

/** An entry of a bundle; those of slices come with a proof. */
export interface ShownEntry extends StoredEntry {
  readonly inclusion_proof?: readonly Uint8Array[];
}

/** The lines of a bundle, each with its newline. */
export async function* bundleLines(
  header: BundleHeader,
  entries: AsyncIterable<ShownEntry>,
): AsyncGenerator<string> {
  yield headerLine(header);
  let left = header.entry_count;
  for await (const entry of entries) {
    left--;
    yield `${entryLine(entry)}${left === 0 ? "" : ","}\n`;
  }
  if (left !== 0) {
    throw new Error(`the log lacks ${left} of the ${header.entry_count} entries to be exported`);
  }
  yield "]}\n";
}

function headerLine(header: BundleHeader): string {
  const { genesis, session_id, entry_count, generated_at, checkpoint } = header;
  const text = canonical({
    format: "killcord-bundle/v1",
    compatible_with: ["xybern-proof-bundle/v1"],
    vault_version: "1",
    hash_algorithm: "sha256",
    canonical_content:
      "JSON, keys sorted by code point, no spaces, ASCII with \\uXXXX escapes, integers only",
    entry_hash_formula: "sha256(sequence_number|previous_hash or genesis|content_hash|entry_type|signed_at)",
    signature_scheme: "ECDSA P-256 with SHA-256 over the hex text of entry_hash, DER, base64",
    kind: session_id === null ? "full" : "slice",
    ...(session_id === null ? {} : { selection: { session_id } }),
    log: genesis.origin,
    workspace_id: genesis.workspace_id,
    entry_count,
    generated_at,
    signing_keys: [signingKey(genesis.entry_key)],
    checkpoint,
  });
  return `${text.slice(0, -1)},"entries":[\n`;
}

/** The key of the log's entries, as bundles and receipts show it. */
export function signingKey({ public_key, ...key }: EntryKey) {
  const spki = createPublicKey({ key: Buffer.from(public_key, "base64"), format: "der", type: "spki" });
  return { ...key, public_key_pem: spki.export({ type: "spki", format: "pem" }).toString() };
}

// A leaf begins with {"content_hash":"…64 digits…", and all that an entry has more sorts beside it.
const content_hash_end = '{"content_hash":"'.length + 64 + '",'.length;

/** The canonical entry, joined from the stored texts: what was sealed is never written anew. */
function entryLine({ leaf, content, details, inclusion_proof }: ShownEntry): string {
  const shown = details === null ? "" : `"details":${details},`;
  const proof =
    inclusion_proof === undefined ? "" : `"inclusion_proof":${canonical(inclusion_proof.map(toBase64))},`;
  // `log` is the first member that sorts after the proof, and no value before it holds a quotation mark.
  const middle = leaf.indexOf('"log":');
  return `{"content":${content},${leaf.slice(1, content_hash_end)}${shown}${leaf.slice(content_hash_end, middle)}${proof}${leaf.slice(middle)}`;
}
