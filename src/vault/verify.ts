/**
 * The offline verifier: evidence and trust in, a closed set of codes out (vault-format.md, 9). It reads
 * no files and knows no platform: what hashes and checks signatures is given to it.
 */
import { growTree, type HashTree } from "./merkle.js";
import { type Checkpoints, type LogFiles, readCheckpoints } from "./verify/checkpoints.js";
import { claims } from "./verify/claims.js";
import { type Failure, failure } from "./verify/code.js";
import { checkEntries, type EntryLine, type SignedEntries } from "./verify/entries.js";
import { chain_start } from "./verify/entry-check.js";
import { bundle_format, checkLines, checkOrigin, type Header, readHeader } from "./verify/header.js";
import { checkHistory } from "./verify/history.js";
import { type EntryKeys, readKeys } from "./verify/keys.js";
import { type Bundle, isForeign, readLayout } from "./verify/layout.js";
import { replay } from "./verify/replay.js";
import { type Findings, type Report, refusal } from "./verify/report.js";
import { isObject } from "./verify/shape.js";
import { checkProofs, checkTree } from "./verify/tree.js";
import { readTrust, type Trust } from "./verify/trust.js";
import type { VerifyCrypto } from "./verify-crypto.js";

/** The files of an export, as far as they are there. */
export interface Evidence {
  readonly bundle: Uint8Array | null;
  /** The files of `log/` by their paths in it, `/` between folders. */
  readonly log: LogFiles;
}

export interface VerifyOptions {
  /** Whether trust.json came by another way than with the evidence. */
  readonly trust_given: boolean;
  readonly crypto: VerifyCrypto;
}

/** Judges evidence by what a trust.json pins. Stages A to H in order; the first that fails ends it. */
export function verify(evidence: Evidence, trust: Uint8Array | null, options: VerifyOptions): Report {
  const { crypto } = options;
  const word: Findings["trust"] = options.trust_given ? "given" : "own word";

  const pinned = trust === null ? absent(evidence) : readTrust(trust, crypto);
  if (typeof pinned === "string") {
    return refusal([failure("trust.unreadable", pinned)], word, null);
  }
  const refuse = (found: readonly Failure[], known?: Partial<Findings>) =>
    refusal(found, word, pinned, known);

  const opened = openBundle(evidence, pinned, crypto);
  if ("code" in opened) {
    return refuse([opened]);
  }
  const { header, bundle, keys, checkpoints } = opened;
  const known = { kind: header.kind, entries: header.entry_count };
  const context = { kind: header.kind, origin: pinned.origin, keys, crypto };
  const { count } = bundle.lines;
  const entries = checkEntries(linesOf(bundle), count, context, chain_start);
  if (entries.failures.length > 0) {
    return refuse(entries.failures, known);
  }
  const tree = header.kind === "full" ? growTree(entries.leaves, crypto.sha256) : null;
  const placed = checkPlace(opened, entries, tree, evidence.log, pinned, crypto);
  if (placed !== null) {
    return refuse([placed], known);
  }
  const { state, failures } = replay({ header, keys, lines: bundle.lines, tree }, crypto.sha256);
  if (failures.length > 0) {
    return refuse(failures, known);
  }
  return claims(state, [...entries.signed.keys()], checkpoints, pinned, word);
}

function absent(evidence: Evidence): string {
  return evidence.bundle === null
    ? "there is neither a trust.json nor a bundle to be read: is the path right?"
    : "there is no trust.json to be read: the operator has it";
}

interface Opened {
  readonly header: Header;
  readonly bundle: Bundle;
  readonly keys: EntryKeys;
  readonly checkpoints: Checkpoints;
}

/** Stages A to D: everything that can be said before the entries are read. */
function openBundle(evidence: Evidence, trust: Trust, crypto: VerifyCrypto): Opened | Failure {
  if (evidence.bundle === null || evidence.bundle.length === 0) {
    return failure("input.unreadable", "there is no bundle to be read");
  }
  if (isForeign(evidence.bundle, bundle_format)) {
    return failure("input.version", `the file is of another format than ${bundle_format}`);
  }
  const bundle = readLayout(evidence.bundle);
  if ("code" in bundle) {
    return bundle;
  }
  const header = readHeader(bundle.header);
  if ("code" in header) {
    return header;
  }
  const { count, at } = bundle.lines;
  const last = count === 0 ? null : at(count - 1);
  const misfit =
    checkOrigin(header, trust) ?? checkLines(header, count, isObject(last) ? last.signed_at : null);
  if (misfit !== null) {
    return misfit;
  }
  const keys = readKeys(header.signing_keys, trust, crypto);
  if ("code" in keys) {
    return keys;
  }
  const checkpoints = readCheckpoints(header, evidence.log, trust, crypto);
  return "code" in checkpoints ? checkpoints : { header, bundle, keys, checkpoints };
}

function* linesOf({ lines }: Bundle): Generator<EntryLine> {
  for (let line = 0; line < lines.count; line++) {
    yield { value: lines.at(line), text: null };
  }
}

/** Stages F and G: the entries against the checkpoint, and against what was known before. */
function checkPlace(
  { bundle, checkpoints }: Opened,
  entries: SignedEntries,
  tree: HashTree | null,
  log: LogFiles,
  trust: Trust,
  { sha256 }: VerifyCrypto,
): Failure | null {
  const found =
    tree === null
      ? checkProofs(checkpoints, entries.leaves, bundle.lines, sha256)
      : checkTree(checkpoints, tree, log, sha256);
  const shown = tree === null ? { root: checkpoints.newest } : { tree };
  return found ?? checkHistory(shown, checkpoints, entries, trust, sha256);
}
