/** What a verification says: as data, and as text for people (vault-format.md, 9, "Prints"). */
import type { Checkpoints } from "./checkpoints.js";
import { type Failure, quoted, type VerifyCode } from "./code.js";
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
  readonly kind: "full" | "slice" | null;
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

/** The text for people; every line but the last ends in a newline. */
export function formatReport(report: Report): string {
  const verdict = { 0: "VERIFIED", 1: "FAILED", 2: "NO JUDGEMENT" }[report.exit];
  const failures = report.failures.map(({ code, sequence, why }) => {
    const entry = sequence === null ? "" : ` entry ${sequence}`;
    return `FAIL ${code}${entry}: ${why}`;
  });
  const origin = report.remarks.origin === null ? [] : [`origin: ${report.remarks.origin}`];
  const claims = report.exit === 0 ? claimsOf(report) : [];
  return [trustLine(report), verdict, ...origin, ...claims, ...failures].join("\n");
}

function trustLine({ trust, remarks }: Report): string {
  if (trust === "given") {
    return "trust is given, its keys are pinned";
  }
  const keys = remarks.fingerprints.length === 0 ? "none could be read" : remarks.fingerprints.join(", ");
  return `trust is the export's own word, its keys are not pinned (--trust FILE pins them): ${keys}`;
}

function claimsOf(report: Report): string[] {
  return [
    `authentic: ${report.entries} entries signed by ${report.remarks.signers.join(", ")}, certified by ${report.remarks.roots.join(", ")}`,
    completeness(report),
    report.root === null ? "tree: not yet" : `tree: ${report.tree_size} entries, root ${report.root}`,
    witnesses(report),
    "timestamped: not checked",
    erasures(report),
    `sessions: ${statuses(report)}`,
  ];
}

function completeness(report: Report): string {
  if (report.kind === "full") {
    return `complete to ${report.complete_to}: nothing is missing below, nothing is said of later`;
  }
  const shown = Object.entries(report.sessions).map(([id, { status, last_index }]) => {
    const end = status === "active" || status === "paused" ? "it had not ended" : `it was ${status}`;
    return `${quoted(id)} from session_index 0 to ${last_index}, where ${end}`;
  });
  return `complete to: ${shown.join("; ")}; what followed only a full bundle shows`;
}

function witnesses({ witnessed, remarks }: Report): string {
  if (witnessed.by.length === 0) {
    return "witnessed: no: nobody outside has vouched for this history";
  }
  const named = witnessed.by.map((name, i) => `${name} at ${remarks.witness_times[i]}`);
  const counted = `${witnessed.by.length} of ${remarks.witnesses_pinned}`;
  return `witnessed: ${counted} (${witnessed.quorum} demanded): ${named.join(", ")}`;
}

function erasures({ erased, remarks }: Report): string {
  const named = erased.map((entry) => `entry ${entry}, authorised by entry ${remarks.erasures.get(entry)}`);
  return `erased: ${named.length === 0 ? "nothing" : named.join("; ")}`;
}

function statuses({ sessions }: Report): string {
  const counts = new Map<Status, number>();
  for (const { status } of Object.values(sessions)) {
    counts.set(status, (counts.get(status) ?? 0) + 1);
  }
  const order: readonly Status[] = ["active", "paused", "killed", "expired", "ended"];
  const named = order.flatMap((status) => (counts.has(status) ? [`${counts.get(status)} ${status}`] : []));
  return named.length === 0 ? "none" : named.join(", ");
}
