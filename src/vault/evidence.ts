/** What leaves the log as evidence: whole exports, slices of one session, receipts (vault-format.md, 6 and 8). */
import { bundleLines, type ShownEntry, signingKey } from "./bundle.js";
import { canonical } from "./canonical.js";
import { bytesOf, toBase64 } from "./encoding.js";
import type { SealedEntry } from "./entry.js";
import type { StoredEntry } from "./journal.js";
import type { Published } from "./publication.js";
import { tilePath, tilesOf } from "./tiles.js";
import type { Vault } from "./vault.js";

/** The next bytes of one file of an export; a file's pieces follow each other. */
export interface Piece {
  readonly path: string;
  readonly chunk: Uint8Array;
}

/** What to export. */
export interface Selection {
  /** Size of a checkpoint that was signed. */
  readonly size: number;
  /** One session alone; null exports the whole log. */
  readonly session_id: string | null;
}

/** Nothing that could be exported as asked. */
export class NoEvidence extends Error {
  constructor(message: string) {
    super(message);
    this.name = "NoEvidence";
  }
}

/**
 * The files of an export: trust.json, bundle.json, and of the whole log `log/`.
 *
 * @throws {NoEvidence} when no checkpoint was signed at that size, or the session has no entry below it
 */
export async function* exportFiles(vault: Vault, selection: Selection): AsyncGenerator<Piece> {
  const { size, session_id } = selection;
  const note = await noteAt(vault, size);
  const lines = session_id === null ? bundle(vault, size) : slice(vault, size, session_id);
  // Before the first byte: a session without entries is no file.
  const first = await lines.next();
  yield { path: "trust.json", chunk: bytesOf(vault.trust()) };
  for (let line = first; !line.done; line = await lines.next()) {
    yield { path: "bundle.json", chunk: bytesOf(line.value) };
  }
  if (session_id === null) {
    yield { path: "log/checkpoint", chunk: bytesOf(note) };
    for (const tile of tilesOf(size)) {
      yield { path: `log/${tilePath(tile)}`, chunk: await vault.publication.tile(tile) };
    }
  }
}

async function noteAt(vault: Vault, size: number): Promise<string> {
  const note = await vault.publication.checkpointAt(size);
  if (note === null) {
    throw new NoEvidence(`no checkpoint of this log is at ${size} entries`);
  }
  return note;
}

/** The lines of bundle.json for the whole log up to a checkpoint; they join to the file. */
export async function* bundle(vault: Vault, size: number): AsyncGenerator<string> {
  const checkpoint = await noteAt(vault, size);
  const last = (await vault.entry(size - 1)) as SealedEntry;
  const { genesis } = vault;
  const header = {
    genesis,
    session_id: null,
    checkpoint,
    entry_count: size,
    generated_at: last.signed_at,
  };
  yield* bundleLines(header, vault.read(0, size));
}

/** The lines of bundle.json for one session; they join to the file. */
export async function* slice(vault: Vault, size: number, session_id: string): AsyncGenerator<string> {
  const checkpoint = await noteAt(vault, size);
  const shown = await entriesOf(vault, size, session_id);
  const last = shown.at(-1);
  if (last === undefined) {
    throw new NoEvidence(`no entry of session ${session_id} is among the first ${size}`);
  }
  const generated_at = ((await vault.entry(last)) as SealedEntry).signed_at;
  const header = { genesis: vault.genesis, session_id, checkpoint, entry_count: shown.length, generated_at };
  yield* bundleLines(header, proven(vault, size, shown));
}

/** Indexes of a session's entries, of those that their causes name, and of erasures of any of them. */
async function entriesOf(vault: Vault, size: number, session_id: string): Promise<readonly number[]> {
  const shown = new Set<number>();
  const erasures: { readonly at: number; readonly targets: readonly number[] }[] = [];
  // Most entries are told apart by their text; only those that may belong are parsed.
  const own = `"session_id":${canonical(session_id)}`;
  for await (const { content, sequence_number } of vault.read(0, size)) {
    if (content.includes(own)) {
      const { session_id: id, cause } = JSON.parse(content) as SessionContent;
      if (id === session_id) {
        shown.add(sequence_number);
        if (typeof cause?.sequence === "number") {
          shown.add(cause.sequence);
        }
      }
    } else if (content.includes('"event":"erasure"')) {
      const { event, targets } = JSON.parse(content) as ErasureContent;
      if (event === "erasure") {
        erasures.push({ at: sequence_number, targets: targets.map(({ sequence }) => sequence) });
      }
    }
  }
  for (const { at, targets } of erasures) {
    if (targets.some((target) => shown.has(target))) {
      shown.add(at);
    }
  }
  return [...shown].sort((a, b) => a - b);
}

interface SessionContent {
  readonly session_id?: unknown;
  readonly cause?: { readonly sequence?: unknown } | null;
}

interface ErasureContent {
  readonly event: string;
  readonly targets: readonly { readonly sequence: number }[];
}

async function* proven(vault: Vault, size: number, shown: readonly number[]): AsyncGenerator<ShownEntry> {
  const prover = vault.publication.prover(size);
  for (const index of shown) {
    const entry = (await vault.entry(index)) as StoredEntry;
    yield { ...entry, inclusion_proof: await prover.inclusion(index) };
  }
}

/** A receipt as JSON (vault-format.md, 6). */
export interface Receipt {
  readonly format: "killcord-receipt/v1";
  readonly decision_id?: string;
  /** Envelope and content; details are left out. */
  readonly entry: Readonly<Record<string, unknown>>;
  readonly signing_key: ReturnType<typeof signingKey>;
  readonly proof: { readonly tlog_proof: string };
}

/**
 * Shows that an entry stands in the log, under a checkpoint that covers it.
 *
 * @param decision_id of the decision that the entry seals, if it does
 */
export async function receiptOf(
  vault: Vault,
  entry: SealedEntry,
  checkpoint: Published,
  decision_id: string | null,
): Promise<Receipt> {
  return {
    format: "killcord-receipt/v1",
    ...(decision_id === null ? {} : { decision_id }),
    entry: { ...JSON.parse(entry.leaf), content: JSON.parse(entry.content) },
    signing_key: signingKey(vault.genesis.entry_key),
    proof: { tlog_proof: await tlogProof(vault, entry, checkpoint) },
  };
}

/** The same as a C2SP tlog-proof: the leaf, its index, the hashes to the root, the checkpoint. */
export async function tlogProof(vault: Vault, entry: SealedEntry, checkpoint: Published): Promise<string> {
  const hashes = await vault.publication.prover(checkpoint.size).inclusion(entry.sequence_number);
  const head = [
    "c2sp.org/tlog-proof@v1",
    `extra ${Buffer.from(entry.leaf, "latin1").toString("base64")}`,
    `index ${entry.sequence_number}`,
    ...hashes.map(toBase64),
  ];
  return `${head.join("\n")}\n\n${checkpoint.note}`;
}

/** Files of an export are cut into pieces of at most so many bytes, and small ones gathered. */
export async function* inPieces(files: AsyncIterable<Piece>, bytes_max: number): AsyncGenerator<Piece> {
  let path = "";
  let gathered: Uint8Array[] = [];
  let bytes = 0;
  const flush = (): Piece => {
    const piece = { path, chunk: Buffer.concat(gathered) };
    gathered = [];
    bytes = 0;
    return piece;
  };
  for await (const piece of files) {
    if (bytes > 0 && (piece.path !== path || bytes + piece.chunk.length > bytes_max)) {
      yield flush();
    }
    path = piece.path;
    for (let from = 0; from < piece.chunk.length; ) {
      const part = piece.chunk.subarray(from, from + bytes_max - bytes);
      gathered.push(part);
      bytes += part.length;
      from += part.length;
      if (bytes === bytes_max) {
        yield flush();
      }
    }
  }
  if (bytes > 0) {
    yield flush();
  }
}
