/** What a verification says, as data (vault-format.md, 9, "Prints"). */
import type { Checkpoints } from "./checkpoints.js";
import type { Failure, VerifyCode } from "./code.js";
import type { JsonObject } from "./shape.js";
import type { Status } from "./state.js";
import type { Trust } from "./trust.js";

export interface SessionReport {
  readonly status: Status;
  readonly last_index: number;
}

/** The members that `--json` prints. */
export interface Findings {
  /** 0 verified, 1 the evidence fails, 2 no judgement. */
  readonly exit: 0 | 1 | 2;
  /** The first failure's. */
  readonly code: VerifyCode | null;
  readonly failures: readonly Failure[];
  /** A bundle's kind; `receipt` for a receipt.json, `proof` for a tlog-proof. */
  readonly kind: "full" | "slice" | "receipt" | "proof" | null;
  readonly entries: number | null;
  /** Null while the log has no checkpoints. */
  readonly tree_size: number | null;
  readonly root: string | null;
  readonly authentic: boolean;
  /** Full bundles: nothing is missing below it. */
  readonly complete_to: number | null;
  readonly witnessed: { readonly quorum: number; readonly by: readonly string[] };
  /** Entries whose details were erased, with leave. */
  readonly erased: readonly number[];
  readonly sessions: Readonly<Record<string, SessionReport>>;
  readonly trust: "given" | "own word";
}

/** The one entry that a receipt is about. */
export interface Proven {
  readonly sequence: number;
  readonly signed_at: string;
  /** Null in a bare proof, which holds hashes only. */
  readonly content: JsonObject | null;
}

/** What only the text tells. */
export interface Remarks {
  readonly origin: string | null;
  /** Of the keys that the trust file pins. */
  readonly fingerprints: readonly string[];
  readonly signers: readonly string[];
  readonly roots: readonly string[];
  /** Which erasure covers each erased entry. */
  readonly erasures: ReadonlyMap<number, number>;
  /** When each witness signed, in the order of `by`. */
  readonly witness_times: readonly string[];
  readonly witnesses_pinned: number;
  readonly proven: Proven | null;
}

export interface Report extends Findings {
  readonly remarks: Remarks;
}

/** A report that claims nothing but its failures. */
export function refusal(
  failures: readonly Failure[],
  trust: Findings["trust"],
  pinned: Trust | null,
  known: Partial<Findings> = {},
): Report {
  const code = failures[0]?.code ?? null;
  const unjudged = code === "trust.unreadable" || code === "input.unreadable" || code === "input.version";
  return {
    kind: null,
    entries: null,
    tree_size: null,
    root: null,
    complete_to: null,
    witnessed: { quorum: pinned?.witness_quorum ?? 0, by: [] },
    erased: [],
    sessions: {},
    ...known,
    exit: unjudged ? 2 : 1,
    code,
    failures,
    authentic: false,
    trust,
    remarks: remarksOf(pinned, null),
  };
}

/** What can be told of the trust file and of its witnesses' signatures. */
export function remarksOf(pinned: Trust | null, checkpoints: Checkpoints | null): Remarks {
  const witnesses = checkpoints?.newest.witnesses ?? [];
  return {
    origin: pinned?.origin ?? null,
    fingerprints: pinned?.fingerprints ?? [],
    signers: [],
    roots: [],
    erasures: new Map(),
    witness_times: witnesses.map(({ time_seconds }) => momentOf(time_seconds as number)),
    witnesses_pinned: pinned?.witnesses.length ?? 0,
    proven: null,
  };
}

// Farther from 1970 no Date reaches.
const date_seconds_max = 8_640_000_000_000;

function momentOf(time_seconds: number): string {
  return time_seconds > date_seconds_max
    ? `second ${time_seconds}`
    : new Date(time_seconds * 1000).toISOString();
}

/** What `--json` prints. */
export function findingsOf(report: Report): Findings {
  const { remarks: _remarks, ...findings } = report;
  return findings;
}
