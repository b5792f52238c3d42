/** The text of a report, for people who audit (vault-format.md, 9, "Prints"). */
import { quoted } from "./code.js";
import type { Report } from "./report.js";
import type { Status } from "./state.js";

/** The text; every line but the last ends in a newline. */
export function formatReport(report: Report): string {
  const verdict = { 0: "VERIFIED", 1: "FAILED", 2: "NO JUDGEMENT" }[report.exit];
  const failures = report.failures.map(({ code, sequence, why }) => {
    const entry = sequence === null ? "" : ` entry ${sequence}`;
    return `FAIL ${code}${entry}: ${why}`;
  });
  const origin = report.remarks.origin === null ? [] : [`origin: ${report.remarks.origin}`];
  const shown = report.exit === 0 ? [...claimsOf(report), ...limitsOf(report)] : [];
  return [trustLine(report), verdict, ...origin, ...shown, ...failures].join("\n");
}

function trustLine({ trust, remarks }: Report): string {
  if (trust === "given") {
    return "trust is given, its keys are pinned";
  }
  const keys = remarks.fingerprints.length === 0 ? "none could be read" : remarks.fingerprints.join(", ");
  return `trust is the export's own word, its keys are not pinned (--trust FILE pins them): ${keys}`;
}

function claimsOf(report: Report): string[] {
  const { kind, remarks } = report;
  const tree = `${report.tree_size} entries, root ${report.root}`;
  const common = [`tree: ${tree}`, witnesses(report), "timestamped: not checked"];
  const signers = `signed by ${remarks.signers.join(", ")}, certified by ${remarks.roots.join(", ")}`;
  const proven = `entry ${remarks.proven?.sequence}, sealed at ${remarks.proven?.signed_at}`;
  switch (kind) {
    case "receipt":
      return [`authentic: ${proven}, ${signers}`, `entry: ${subject(report)}`, ...common];
    case "proof":
      return [`authentic: ${proven}, as the log's own tree holds it`, ...common];
    default:
      return [
        `authentic: ${report.entries} entries ${signers}`,
        completeness(report),
        ...common,
        erasures(report),
        `sessions: ${statuses(report)}`,
        `rules: ${rules(report)}`,
      ];
  }
}

/** What a reader might take for proven, and is not. */
function limitsOf(report: Report): string[] {
  const unshown = [
    report.trust === "given" ? null : "whose keys these are: whoever made the export also named them",
    report.witnessed.by.length > 0
      ? `that the witnesses were independent of the operator: their names are ${report.trust === "given" ? "in trust.json" : "the export's"}`
      : "that the holder of the keys did not write another history: no witness vouches for this one",
    beyond(report),
    "when things happened, other than by the server's clock: no timestamps were checked",
    "that every decision was sealed: one that never was is missed only by who holds a receipt or a record of it",
  ];
  return unshown.filter((line) => typeof line === "string").map((line) => `not shown: ${line}`);
}

function beyond({ kind, complete_to, tree_size }: Report): string {
  switch (kind) {
    case "full":
      return `what came after entry ${(complete_to as number) - 1}`;
    case "slice":
      return "what the rest of the log holds, and what followed the session's last entry here";
    case "receipt":
      return `what else is in the log of ${tree_size} entries`;
    default:
      return "what the entry says, and its own signature: a bare proof holds only its hashes (receipt.json has both)";
  }
}

function subject({ remarks }: Report): string {
  const { event, decision, action_type, agent_id, session_id, decision_id } = remarks.proven?.content ?? {};
  const named = Object.entries({ decision, action_type, agent_id, session_id, decision_id }).flatMap(
    ([name, value]) => (typeof value === "string" ? [`${name} ${quoted(value)}`] : []),
  );
  return [typeof event === "string" ? quoted(event) : "of no event", ...named].join(", ");
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

function rules({ kind }: Report): string {
  const kept = "nothing was allowed after a stop, no count passed its budget, every stop names its cause";
  return kind === "full"
    ? `kept: ${kept}, and every order stopped what it had to`
    : `kept within the session: ${kept}; what other sessions bound it to is not checked`;
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
