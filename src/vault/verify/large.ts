/**
 * A full bundle that is too large to be held: read in pieces, which are checked by whoever is given the
 * work (threads, or this one), and joined here in order. Finds exactly what `verify` finds.
 */
import type { HashTree } from "../merkle.js";
import { tilePath } from "../tiles.js";
import type { VerifyCrypto } from "../verify-crypto.js";
import { type Checkpoints, readCheckpoints } from "./checkpoints.js";
import { claims } from "./claims.js";
import type { Failure } from "./code.js";
import { type ByteSource, cut, firstLine, type Piece } from "./cut.js";
import type { EntryContext } from "./entry-check.js";
import { bundle_format, checkLines, checkOrigin, type Header, readHeader } from "./header.js";
import { checkHistory } from "./history.js";
import { Joined } from "./joined.js";
import { type EntryKeys, readKeys } from "./keys.js";
import { headerIn, layout_failures, lineText } from "./layout.js";
import type { CheckedPiece } from "./piece.js";
import { type Findings, type Report, refusal } from "./report.js";
import { checkPaths, checkRoots, checkSize, checkTile, tilesInOrder } from "./tree.js";
import { readTrust, type Trust } from "./trust.js";

/** The files of `log/`, read one at a time. */
export interface LogFolder {
  /** Every file by its path, `/` between folders. */
  readonly paths: ReadonlySet<string>;
  readonly read: (path: string) => Promise<Uint8Array>;
}

export interface LargeEvidence {
  readonly bundle: ByteSource;
  readonly log: LogFolder | null;
}

/** Checks pieces, several at a time; the piece comes back with what was found. */
export interface PieceChecker {
  /** Pieces that may be under way. */
  readonly ahead: number;
  readonly check: (piece: Piece) => Promise<{ readonly piece: Piece; readonly checked: CheckedPiece }>;
}

/** What a checker is told before the first piece; the crypto is its own. */
export type PieceContext = Omit<EntryContext, "crypto"> | null;

export interface LargeOptions {
  readonly trust_given: boolean;
  readonly crypto: VerifyCrypto;
  readonly checkerOf: (context: PieceContext) => PieceChecker;
  /** Bytes of a piece. */
  readonly piece_bytes: number;
  /** Told how many bytes of the bundle are done. */
  readonly onProgress?: (bytes: number) => void;
}

interface Opened {
  readonly header: Header;
  readonly keys: EntryKeys;
  readonly checkpoints: Checkpoints;
}

/**
 * Judges a large bundle.
 *
 * @returns null when it is not a full one whose first line is a header: then it has to be read whole
 */
export async function verifyLarge(
  { bundle, log }: LargeEvidence,
  trust: Uint8Array | null,
  options: LargeOptions,
): Promise<Report | null> {
  const { crypto } = options;
  const word: Findings["trust"] = options.trust_given ? "given" : "own word";
  const pinned = trust === null ? null : readTrust(trust, crypto);
  const line = await firstLine(bundle);
  const stated = line === null ? undefined : headerIn(lineText(line, 0, line.length));
  // Whatever is unusual about the file is told by the one that reads it whole.
  const unusual = stated === undefined || stated.kind === "slice" || stated.format !== bundle_format;
  if (pinned === null || typeof pinned === "string" || unusual || line === null) {
    return null;
  }
  const refuse = (found: readonly Failure[], known?: Partial<Findings>) =>
    refusal(found, word, pinned, known);
  if ((await bundle.read(bundle.size - 1, 1))[0] !== 0x0a) {
    return refuse([layout_failures.lines]);
  }
  const header = readHeader(stated);
  const early = "code" in header ? header : checkOrigin(header, pinned);
  const opened = early !== null || "code" in header ? early : await open(header, log, pinned, crypto);
  const sound = opened === null || "code" in opened ? null : opened;
  const joined = new Joined(sound, pinned.origin, crypto);
  const layout = await readPieces(bundle, line.length + 1, joined, options);
  const before =
    layout ?? early ?? checkLines(header as Header, joined.count, joined.last_signed_at) ?? failureIn(opened);
  if (before !== null) {
    return refuse([before]);
  }
  const { checkpoints } = sound as Opened;
  const known = { kind: "full", entries: joined.count } as const;
  if (joined.failures.length > 0) {
    return refuse(joined.failures, known);
  }
  const placed =
    (await checkPlace(checkpoints, joined.tree, log, crypto)) ??
    checkHistory({ tree: joined.tree }, checkpoints, joined, pinned, crypto.sha256);
  if (placed !== null) {
    return refuse([placed], known);
  }
  const { state, failures } = joined.replayed();
  return failures.length > 0
    ? refuse(failures, known)
    : claims(state, [...joined.signed.keys()], checkpoints, pinned, word);
}

function failureIn(opened: Opened | Failure | null): Failure | null {
  return opened !== null && "code" in opened ? opened : null;
}

/** Stages C and D. */
async function open(
  header: Header,
  log: LogFolder | null,
  trust: Trust,
  crypto: VerifyCrypto,
): Promise<Opened | Failure> {
  const keys = readKeys(header.signing_keys, trust, crypto);
  if ("code" in keys) {
    return keys;
  }
  const published = new Map<string, Uint8Array>();
  if (log?.paths.has("checkpoint")) {
    published.set("checkpoint", await log.read("checkpoint"));
  }
  const checkpoints = readCheckpoints(header, log === null ? null : published, trust, crypto);
  return "code" in checkpoints ? checkpoints : { header, keys, checkpoints };
}

/** Stage B of the lines, and of sound ones everything that can be said before the end is known. */
async function readPieces(
  bundle: ByteSource,
  start: number,
  joined: Joined,
  { checkerOf, piece_bytes, onProgress = () => undefined }: LargeOptions,
): Promise<Failure | null> {
  const { check, ahead } = checkerOf(joined.context);
  const waiting: ReturnType<PieceChecker["check"]>[] = [];
  let done = start;
  const joinNext = async () => {
    const { piece, checked } = await (waiting.shift() as (typeof waiting)[number]);
    done += piece.bytes.length;
    onProgress(done);
    return joined.add(piece, checked);
  };
  for await (const piece of cut(bundle, start, piece_bytes)) {
    const next = check(piece);
    // Whoever stops before it is its turn does not want to hear of it.
    next.catch(() => undefined);
    waiting.push(next);
    const found = waiting.length < ahead ? null : await joinNext();
    if (found !== null) {
      return found;
    }
  }
  while (waiting.length > 0) {
    const found = await joinNext();
    if (found !== null) {
      return found;
    }
  }
  return null;
}

/** Stage F. */
async function checkPlace(
  checkpoints: Checkpoints,
  tree: HashTree,
  log: LogFolder | null,
  { sha256 }: VerifyCrypto,
): Promise<Failure | null> {
  const misplaced = checkSize(checkpoints, tree) ?? (log === null ? null : checkPaths(log.paths, tree.size));
  if (misplaced !== null) {
    return misplaced;
  }
  for (const tile of log === null ? [] : tilesInOrder(tree.size)) {
    const found = checkTile(tile, (await log?.read(tilePath(tile))) as Uint8Array, tree, sha256);
    if (found !== null) {
      return found;
    }
  }
  return checkRoots(checkpoints, tree, sha256);
}
