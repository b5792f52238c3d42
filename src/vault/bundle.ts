/** The export as bytes (vault-format.md, 8): a header line, a line an entry, an end. */
import { createPublicKey } from "node:crypto";
import { canonical } from "./canonical.js";
import type { EntryKey } from "./certificate.js";
import type { Genesis } from "./genesis.js";
import type { StoredEntry } from "./journal.js";

/** What the header of a full bundle says about the log. */
export interface BundleHeader {
  readonly genesis: Genesis;
  readonly entry_count: number;
  /** `signed_at` of the last entry: the same log gives the same bytes, whenever it is asked. */
  readonly generated_at: string;
}

/** The lines of a full bundle, each with its newline. */
export async function* bundleLines(
  header: BundleHeader,
  entries: AsyncIterable<StoredEntry>,
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

function headerLine({ genesis, entry_count, generated_at }: BundleHeader): string {
  const text = canonical({
    format: "killcord-bundle/v1",
    compatible_with: ["xybern-proof-bundle/v1"],
    vault_version: "1",
    hash_algorithm: "sha256",
    canonical_content:
      "JSON, keys sorted by code point, no spaces, ASCII with \\uXXXX escapes, integers only",
    entry_hash_formula: "sha256(sequence_number|previous_hash or genesis|content_hash|entry_type|signed_at)",
    signature_scheme: "ECDSA P-256 with SHA-256 over the hex text of entry_hash, DER, base64",
    kind: "full",
    log: genesis.origin,
    workspace_id: genesis.workspace_id,
    entry_count,
    generated_at,
    signing_keys: [signingKey(genesis.entry_key)],
    // There is no tree yet; a verifier says so.
    checkpoint: null,
  });
  return `${text.slice(0, -1)},"entries":[\n`;
}

function signingKey({ public_key, ...key }: EntryKey) {
  const spki = createPublicKey({ key: Buffer.from(public_key, "base64"), format: "der", type: "spki" });
  return { ...key, public_key_pem: spki.export({ type: "spki", format: "pem" }).toString() };
}

// A leaf begins with {"content_hash":"…64 digits…", and all that an entry has more sorts beside it.
const content_hash_end = '{"content_hash":"'.length + 64 + '",'.length;

/** The canonical entry, joined from the stored texts: what was sealed is never written anew. */
function entryLine({ leaf, content, details }: StoredEntry): string {
  const shown = details === null ? "" : `"details":${details},`;
  return `{"content":${content},${leaf.slice(1, content_hash_end)}${shown}${leaf.slice(content_hash_end)}`;
}
