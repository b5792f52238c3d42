/** Sessions for people: a row of the list, a card, a line of a watch, why one stopped. */
import {
  OnExceeded,
  OnLeaseLost,
  type Session,
  SessionStatus,
  StopReason,
} from "../../gen/killcord/v1/session_pb.js";
import { cardAmounts, showActions, showCost, showTokens, showUsd } from "./budget-view.js";
import { type Colour, colour, plain } from "./output.js";
import { type Column, pairs, table } from "./table.js";
import { clock, localTime, showDuration } from "./time.js";

/** State by shape and word as well as colour. */
const standings: Record<SessionStatus, readonly [shape: string, word: string, colour: Colour]> = {
  [SessionStatus.UNSPECIFIED]: ["?", "unknown", "dim"],
  [SessionStatus.ACTIVE]: ["●", "active", "green"],
  [SessionStatus.PAUSED]: ["◐", "paused", "yellow"],
  [SessionStatus.KILLED]: ["■", "killed", "red"],
  [SessionStatus.EXPIRED]: ["□", "expired", "yellow"],
  [SessionStatus.ENDED]: ["○", "ended", "dim"],
};

/** Whether nothing leaves this status. */
export function isTerminal(status: SessionStatus): boolean {
  return status >= SessionStatus.KILLED;
}

/** The word of rest-api.md for a stop reason; empty when there is none. */
export function stopWord(reason: StopReason): string {
  if (reason === StopReason.UNSPECIFIED) return "";
  return (StopReason[reason] ?? String(reason)).toLowerCase();
}

/** A status with its shape and colour. */
export function showStatus(status: SessionStatus): string {
  // A newer server may send a status that this client does not know.
  const [shape, word, tint] = standings[status] ?? ["?", `status ${status}`, "dim"];
  return colour(tint, `${shape} ${word}`);
}

/** A column of the list, and what a session shows in it. */
type Shown = Column & {
  readonly cell: (session: Session) => string;
  /** Whether the column is left out where no session of the list shows anything in it. */
  readonly optional?: true;
};

const columns: readonly Shown[] = [
  { heading: "STATUS", cell: ({ status }) => showStatus(status) },
  { heading: "SESSION", cell: ({ sessionId }) => plain(sessionId) },
  { heading: "AGENT", cell: ({ agentId }) => cut(plain(agentId ?? "-")) },
  { heading: "LABEL", cell: ({ label }) => cut(plain(label ?? "")) },
  { heading: "ACTIONS", cell: (session) => showActions(session) },
  { heading: "TOKENS", cell: (session) => showTokens(session, 5), optional: true },
  { heading: "COST", cell: (session) => showCost(session, 5), optional: true },
  { heading: "AGE", align: "right", cell: (session) => showDuration(elapsed(session)) },
  { heading: "LEFT", align: "right", cell: timeLeft },
  { heading: "STOPPED BY", cell: ({ stopReason }) => stopWord(stopReason) },
];

/** The list. */
export function sessionTable(sessions: readonly Session[]): string {
  const shown = columns.filter(
    ({ optional, cell }) => !optional || sessions.some((session) => cell(session) !== ""),
  );
  return table(
    shown,
    sessions.map((session) => shown.map(({ cell }) => cell(session))),
  );
}

/** Names may have 256 characters; a row must stay a row. The card shows them whole. */
function cut(text: string): string {
  const characters = [...text];
  return characters.length <= 40 ? text : `${characters.slice(0, 39).join("")}…`;
}

/** Counted by the server, so that a wrong clock here does not matter. */
function elapsed(session: Session): number {
  return Number(session.consumed?.elapsedSeconds ?? 0n);
}

function timeLeft(session: Session): string {
  const ttl = session.budgets?.ttlSeconds;
  if (ttl === undefined || isTerminal(session.status)) return "-";
  return showDuration(Number(ttl) - elapsed(session));
}

/** Everything about one session. */
export function sessionCard(session: Session): string {
  const budgets = session.budgets;
  const seconds = (value: bigint | undefined) => (value === undefined ? "" : showDuration(Number(value)));
  const entries: (readonly [string, string])[] = [
    ["session", plain(session.sessionId)],
    ["status", showStatus(session.status)],
    ["agent", plain(session.agentId ?? "")],
    ["label", plain(session.label ?? "")],
    ["credential", plain(session.credentialId ?? "")],
    ["parent", plain(session.parentSessionId ?? "")],
    ...cardAmounts(session),
    ["on exceeded", endingWord(session)],
    ["warns at", (budgets?.warnAtPercent ?? []).map((percent) => `${percent}%`).join(", ")],
    ["max depth", String(budgets?.maxDepth ?? "")],
    ["max concurrent", String(budgets?.maxConcurrent ?? "")],
    ["age", showDuration(elapsed(session))],
    ["ttl", ttlWords(session)],
    ["idle timeout", seconds(budgets?.idleTimeoutSeconds)],
    ["lease", leaseWords(session)],
    ["started", localTime(session.startedAt)],
    ["last action", localTime(session.lastActionAt)],
    ["last heartbeat", localTime(session.lastHeartbeatAt)],
    ["paused", localTime(session.pausedAt)],
    ["stopped", localTime(session.stoppedAt)],
    ["stop reason", stopWord(session.stopReason)],
    ["reason", plain(session.killReason ?? session.pauseReason ?? "")],
    ["halt", plain(session.haltId ?? "")],
    ["drill", plain(session.drillId ?? "")],
  ];
  return pairs(entries.filter(([, value]) => value !== ""));
}

/** What an exceeded amount does, where that is not the default. */
function endingWord({ budgets }: Session): string {
  return budgets?.onExceeded === OnExceeded.PAUSE ? "pause" : "";
}

function ttlWords(session: Session): string {
  const ttl = session.budgets?.ttlSeconds;
  const left = timeLeft(session);
  if (ttl === undefined) return "";
  return left === "-" ? showDuration(Number(ttl)) : `${showDuration(Number(ttl))}, ${left} left`;
}

/** How long a run may go unheard, and what then. */
function leaseWords({ leaseSeconds, onLeaseLost }: Session): string {
  const then = OnLeaseLost[onLeaseLost]?.toLowerCase() ?? `ending ${onLeaseLost}`;
  return leaseSeconds === undefined ? "" : `${showDuration(leaseSeconds)}, then ${then}`;
}

/** One state of a watch on one line, with the time here; of one session or, by `changeLine`, of many. */
export function watchLine(session: Session, at: Date, line = stateLine(session)): string {
  return `${colour("dim", clock(at))}  ${line}`;
}

function stateLine(session: Session): string {
  return [showStatus(session.status), ...amountsOf(session)].join("  ");
}

function amountsOf(session: Session): readonly string[] {
  const tokens = showTokens(session, 5);
  const named = tokens === "" ? [] : [`${tokens} tokens`];
  return [showActions(session), ...named, showCost(session, 5)].filter((part) => part !== "");
}

/** The same of a session among others: whose it is, and how it stopped or why it is held. */
export function changeLine(session: Session): string {
  const whose = [plain(session.sessionId), cut(plain(session.agentId ?? "-")), plain(session.label ?? "")];
  return [showStatus(session.status), ...whose, ...amountsOf(session), whyStopped(session)]
    .filter((part) => part !== "")
    .join("  ");
}

/** The last line of a watch. */
export function stopLine(session: Session): string {
  const why = whyStopped(session);
  const verb = standings[session.status]?.[1] ?? "stopped";
  const { actions = 0n, tokens = 0n, costUsdMicros = 0n } = session.consumed ?? {};
  const used = [
    `${actions} actions`,
    ...(tokens === 0n ? [] : [`${tokens} tokens`]),
    ...(costUsdMicros === 0n ? [] : [showUsd(Number(costUsdMicros))]),
  ].join(", ");
  return `${verb}${why === "" ? "" : ` (${why})`} after ${used} in ${showDuration(elapsed(session))}`;
}

function whyStopped(session: Session): string {
  const parts = [stopWord(session.stopReason), plain(session.killReason ?? session.pauseReason ?? "")];
  return parts.filter((part) => part !== "").join(": ");
}
