/** Stops for people: a line, a card, a list, and how far each session is. */
import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type Halt,
  type HaltFigures,
  HaltMode,
  type HaltScope,
  type HaltSession,
  HaltStatus,
  HaltStep,
  HaltVia,
  ScopeKind,
  UnconfirmedWhy,
} from "../../gen/killcord/v1/halt_pb.js";
import { HaltEvidence } from "../../gen/killcord/v1/session_pb.js";
import { type Colour, colour, plain } from "./output.js";
import { stopWord } from "./session-view.js";
import { pairs, table } from "./table.js";
import { localTime } from "./time.js";

const statuses: Readonly<Record<number, readonly [shape: string, word: string, colour: Colour]>> = {
  [HaltStatus.IN_FORCE]: ["■", "in force", "red"],
  [HaltStatus.LIFTED]: ["○", "lifted", "dim"],
  [HaltStatus.OVER]: ["○", "over", "dim"],
  [HaltStatus.NO_ORDER]: ["·", "no order", "dim"],
};

const steps: Readonly<Record<number, readonly [shape: string, word: string, colour: Colour]>> = {
  [HaltStep.REQUESTED]: ["○", "requested", "yellow"],
  [HaltStep.DELIVERED]: ["◔", "delivered", "yellow"],
  [HaltStep.ACKNOWLEDGED]: ["◑", "stopping", "yellow"],
  [HaltStep.CONFIRMED]: ["●", "confirmed", "green"],
  [HaltStep.UNCONFIRMED]: ["✗", "unconfirmed", "red"],
};

/** A newer server may send a value that this client does not know. */
function shown(
  words: Readonly<Record<number, readonly [string, string, Colour]>>,
  value: number,
  other: string,
): string {
  const [shape, word, tint] = words[value] ?? ["·", other, "dim"];
  return colour(tint, `${shape} ${word}`);
}

/** `agent loan-bot`, `all sessions`. */
export function scopeWords(scope: HaltScope | undefined): string {
  if (scope === undefined) return "?";
  if (scope.kind === ScopeKind.WORKSPACE) return "all sessions";
  return `${(ScopeKind[scope.kind] ?? String(scope.kind)).toLowerCase()} ${plain(scope.id)}`;
}

/** Counts, aligned. Nobody is waited for who is only held. */
export function figureWords(
  { requested, delivered, acknowledged, confirmed, unconfirmed }: HaltFigures,
  mode: HaltMode,
): string {
  if (mode === HaltMode.PAUSE) return `${requested} held   ${delivered} told`;
  return [
    `${requested} stopped`,
    `${delivered} told`,
    `${acknowledged} stopping`,
    `${confirmed} confirmed`,
    `${unconfirmed} unconfirmed`,
  ].join("   ");
}

/** Everything about one stop but its sessions. */
export function haltCard(halt: Halt): string {
  const { figures } = halt;
  const entries: (readonly [string, string])[] = [
    ["halt", plain(halt.haltId)],
    ["on", scopeWords(halt.scope)],
    ["does", halt.mode === HaltMode.PAUSE ? "hold" : "kill"],
    ["status", shown(statuses, halt.status, `status ${halt.status}`)],
    ["reason", plain(halt.reason)],
    ["requested", localTime(halt.requestedAt)],
    ["by", plain(halt.requestedBy ?? "")],
    ["lifted", localTime(halt.liftedAt)],
    ["lifted by", plain(halt.liftedBy ?? "")],
    ["lift reason", plain(halt.liftReason ?? "")],
    ["drill", plain(halt.drillId ?? "")],
    ["sessions", figures === undefined ? "" : figureWords(figures, halt.mode)],
    ["sealed as", plain(halt.vaultEntryId)],
  ];
  return pairs(entries.filter(([, value]) => value !== ""));
}

/** The list. */
export function haltTable(halts: readonly Halt[]): string {
  return table(
    [
      { heading: "STATUS" },
      { heading: "HALT" },
      { heading: "ON" },
      { heading: "DOES" },
      { heading: "REQUESTED" },
      { heading: "REASON" },
    ],
    halts.map((halt) => [
      shown(statuses, halt.status, `status ${halt.status}`),
      plain(halt.haltId),
      cut(scopeWords(halt.scope)),
      halt.mode === HaltMode.PAUSE ? "hold" : "kill",
      localTime(halt.requestedAt),
      cut(plain(halt.drillId === undefined ? halt.reason : `drill: ${halt.reason}`)),
    ]),
  );
}

/** How far each session is; times are since its stop was sealed. */
export function haltSessionTable(sessions: readonly HaltSession[]): string {
  return table(
    [
      { heading: "STEP" },
      { heading: "SESSION" },
      { heading: "AGENT" },
      { heading: "STOPPED BY" },
      { heading: "TOLD", align: "right" },
      { heading: "STOPPING", align: "right" },
      { heading: "CONFIRMED", align: "right" },
      { heading: "HOW" },
    ],
    sessions.map((session) => [
      shown(steps, session.step, `step ${session.step}`),
      plain(session.sessionId),
      cut(plain(session.agentId ?? "-")),
      stopWord(session.stopReason),
      since(session, session.deliveredAt),
      since(session, session.acknowledgedAt),
      since(session, session.confirmedAt),
      how(session),
    ]),
  );
}

function since({ requestedAt }: HaltSession, at: Timestamp | undefined): string {
  if (at === undefined || requestedAt === undefined) return "-";
  return showMilliseconds(timestampMs(at) - timestampMs(requestedAt));
}

/** `4 ms`, `1.25 s`, `12 s`. */
export function showMilliseconds(elapsed_ms: number): string {
  if (elapsed_ms < 10 && !Number.isInteger(elapsed_ms)) return `${elapsed_ms.toFixed(1)} ms`;
  if (elapsed_ms < 1000) return `${Math.round(elapsed_ms)} ms`;
  return elapsed_ms < 10_000 ? `${(elapsed_ms / 1000).toFixed(2)} s` : `${Math.round(elapsed_ms / 1000)} s`;
}

function how(session: HaltSession): string {
  const words = [
    session.via === HaltVia.UNSPECIFIED ? "" : `by ${wordOf(HaltVia, session.via)}`,
    session.evidence === HaltEvidence.UNSPECIFIED ? "" : wordOf(HaltEvidence, session.evidence),
    whyWords(session),
  ];
  return words.filter((word) => word !== "").join(", ");
}

function whyWords({ unconfirmedWhy, step }: HaltSession): string {
  const late = step === HaltStep.CONFIRMED ? "late: " : "";
  switch (unconfirmedWhy) {
    case UnconfirmedWhy.UNSPECIFIED:
      return "";
    case UnconfirmedWhy.NO_CLIENT:
      return `${late}no client had heard of it in time`;
    case UnconfirmedWhy.DEADLINE:
      return `${late}told, and silent at the deadline`;
    default:
      return `${late}reason ${unconfirmedWhy}`;
  }
}

function wordOf(names: Readonly<Record<number, string>>, value: number): string {
  return (names[value] ?? String(value)).toLowerCase().replaceAll("_", " ");
}

/** A row must stay a row. The card shows texts whole. */
function cut(text: string): string {
  const characters = [...text];
  return characters.length <= 40 ? text : `${characters.slice(0, 39).join("")}…`;
}
