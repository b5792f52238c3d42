/** Sessions for people: a row of the list, a card, a line of a watch, why one stopped. */
import { OnLeaseLost, type Session, SessionStatus, StopReason } from "../../gen/killcord/v1/session_pb.js";
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

/** What is used of the actions budget: `███░░░░░░░ 61/200`, or the count alone without a limit. */
export function showActions(session: Session, cells = 10): string {
  const used = Number(session.consumed?.actions ?? 0n);
  const limit = session.budgets?.maxActions;
  if (limit === undefined) return String(used);
  const share = limit === 0n ? 1 : Math.min(1, used / Number(limit));
  // Something used shows, and only a full budget looks full.
  const filled = share === 1 ? cells : Math.min(cells - 1, Math.ceil(share * cells));
  return `${"█".repeat(filled)}${"░".repeat(cells - filled)} ${used}/${limit}`;
}

const columns: readonly Column[] = [
  { heading: "STATUS" },
  { heading: "SESSION" },
  { heading: "AGENT" },
  { heading: "LABEL" },
  { heading: "ACTIONS" },
  { heading: "AGE", align: "right" },
  { heading: "LEFT", align: "right" },
  { heading: "STOPPED BY" },
];

/** The list. */
export function sessionTable(sessions: readonly Session[]): string {
  return table(
    columns,
    sessions.map((session) => [
      showStatus(session.status),
      plain(session.sessionId),
      cut(plain(session.agentId ?? "-")),
      cut(plain(session.label ?? "")),
      showActions(session),
      showDuration(elapsed(session)),
      timeLeft(session),
      stopWord(session.stopReason),
    ]),
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
    ["actions", showActions(session)],
    ["age", showDuration(elapsed(session))],
    ["ttl", seconds(budgets?.ttlSeconds)],
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
  return `${showStatus(session.status)}  ${showActions(session)}`;
}

/** The same of a session among others: whose it is, and how it stopped or why it is held. */
export function changeLine(session: Session): string {
  const whose = [plain(session.sessionId), cut(plain(session.agentId ?? "-")), plain(session.label ?? "")];
  return [showStatus(session.status), ...whose, showActions(session), whyStopped(session)]
    .filter((part) => part !== "")
    .join("  ");
}

/** The last line of a watch. */
export function stopLine(session: Session): string {
  const why = whyStopped(session);
  const verb = standings[session.status]?.[1] ?? "stopped";
  const used = `${session.consumed?.actions ?? 0n} actions in ${showDuration(elapsed(session))}`;
  return `${verb}${why === "" ? "" : ` (${why})`} after ${used}`;
}

function whyStopped(session: Session): string {
  const parts = [stopWord(session.stopReason), plain(session.killReason ?? session.pauseReason ?? "")];
  return parts.filter((part) => part !== "").join(": ");
}
