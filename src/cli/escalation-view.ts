/** Escalations for people: a list, a card with what the action says, a line of a watch. */
import { timestampMs } from "@bufbuild/protobuf/wkt";
import {
  ActionText,
  type Escalation,
  EscalationDecision,
  type EscalationState,
  EscalationStatus,
} from "../../gen/killcord/v1/escalation_pb.js";
import { printUsd } from "../core/money.js";
import { type Colour, colour, plain } from "./output.js";
import { pairs, table } from "./table.js";
import { clock, localTime, showDuration } from "./time.js";

/** State by shape and word as well as colour. */
const statuses: Readonly<Record<number, readonly [shape: string, word: string, colour: Colour]>> = {
  [EscalationStatus.PENDING]: ["◐", "pending", "yellow"],
  [EscalationStatus.APPROVED]: ["●", "approved", "green"],
  [EscalationStatus.REJECTED]: ["■", "rejected", "red"],
  [EscalationStatus.EXPIRED]: ["□", "expired", "dim"],
};

const texts: Readonly<Record<number, string>> = {
  [ActionText.NONE]: "the action came without text and metadata",
  [ActionText.WITHHELD]: "only an approver sees it, with a key of no agent",
  [ActionText.ERASED]: "erased, since this is resolved",
  [ActionText.LOST]: "LOST: nobody can see what would be approved",
  [ActionText.CHANGED]: "NOT SHOWN: what is kept is not what was sealed",
};

function showStatus(status: EscalationStatus): string {
  // A newer server may send a status that this client does not know.
  const [shape, word, tint] = statuses[status] ?? ["?", `status ${status}`, "dim"];
  return colour(tint, `${shape} ${word}`);
}

/** The list. */
export function escalationTable(escalations: readonly Escalation[], now = new Date()): string {
  return table(
    [
      { heading: "STATUS" },
      { heading: "ESCALATION" },
      { heading: "ACTION" },
      { heading: "AGENT" },
      { heading: "AGE", align: "right" },
      { heading: "LEFT", align: "right" },
      { heading: "WHY" },
    ],
    escalations.map((escalation) => [
      showStatus(escalation.status),
      plain(escalation.escalationId),
      cut(plain(escalation.actionType)),
      cut(plain(escalation.agentId ?? "-")),
      secondsTo(escalation.createdAt, now, -1),
      escalation.status === EscalationStatus.PENDING ? secondsTo(escalation.expiresAt, now, 1) : "-",
      cut(plain(escalation.resolutionReason ?? escalation.reasoning)),
    ]),
  );
}

function secondsTo(time: Escalation["createdAt"], now: Date, sign: 1 | -1): string {
  return time === undefined ? "-" : showDuration((sign * (timestampMs(time) - now.getTime())) / 1000);
}

/** Everything about one escalation. */
export function escalationCard(escalation: Escalation): string {
  const { cost, estimate } = escalation;
  const entries: (readonly [string, string])[] = [
    ["escalation", plain(escalation.escalationId)],
    ["status", showStatus(escalation.status)],
    ["action", plain(escalation.actionType)],
    ["agent", plain(escalation.agentId ?? "")],
    ["session", plain(escalation.sessionId ?? "")],
    ["why", plain(escalation.reasoning)],
    ["policies", escalation.policiesTriggered.map(({ name }) => plain(name)).join(", ")],
    ["costs", costWords(cost)],
    ["may cost", costWords(estimate)],
    ["opened", localTime(escalation.createdAt)],
    ["expires", localTime(escalation.expiresAt)],
    ["resolved", localTime(escalation.resolvedAt)],
    ["by", plain(escalation.resolvedBy ?? "")],
    ["reason", plain(escalation.resolutionReason ?? "")],
    ["unseen", escalation.unseen === true ? "approved by somebody who could not see the text" : ""],
    ["good until", localTime(escalation.usableUntil)],
    ["used by", plain(escalation.usedBy ?? "")],
    ["decision", plain(escalation.decisionId)],
    ["sealed as", plain(escalation.vaultEntryId)],
    ["text", texts[escalation.actionText] ?? ""],
  ];
  return [pairs(entries.filter(([, value]) => value !== "")), ...said(escalation)].join("\n");
}

function costWords(cost: Escalation["cost"]): string {
  if (cost === undefined) return "";
  const tokens = cost.tokens === 0n ? "" : `${cost.tokens} tokens`;
  const dollars = cost.costUsdMicros === 0n ? "" : `$${printUsd(Number(cost.costUsdMicros))}`;
  return [tokens, dollars].filter((part) => part !== "").join(", ");
}

/** What the action says, line by line: an agent wrote it, so that no line may look like one of ours. */
function said({ actionText, actionContent, metadata }: Escalation): readonly string[] {
  if (actionText !== ActionText.SHOWN) return [];
  const bar = colour("dim", "│ ");
  const lines = (text: string) => text.split("\n").map((line) => `${bar}${plain(line)}`);
  return [
    ...(actionContent === undefined ? [] : ["", colour("dim", "it says"), ...lines(actionContent)]),
    ...(metadata === undefined
      ? []
      : ["", colour("dim", "metadata"), ...lines(JSON.stringify(metadata, null, 2))]),
  ];
}

/** One change of a watch on one line, with the time here. */
export function escalationLine(escalation: Escalation, at: Date): string {
  const parts = [
    showStatus(escalation.status),
    plain(escalation.escalationId),
    cut(plain(escalation.actionType)),
    cut(plain(escalation.agentId ?? "-")),
    escalation.usedBy === undefined ? "" : `used by ${plain(escalation.usedBy)}`,
    cut(plain(escalation.resolutionReason ?? escalation.reasoning)),
  ];
  return `${colour("dim", clock(at))}  ${parts.filter((part) => part !== "").join("  ")}`;
}

/** What was answered. */
export function stateCard(state: EscalationState): string {
  const entries: (readonly [string, string])[] = [
    ["escalation", plain(state.escalationId)],
    ["status", showStatus(state.status)],
    ["action", state.decision === EscalationDecision.ALLOW ? "may be done, once" : ""],
    ["resolved", localTime(state.resolvedAt)],
    ["reason", plain(state.resolutionReason ?? "")],
  ];
  return pairs(entries.filter(([, value]) => value !== ""));
}

/** A row must stay a row. The card shows texts whole. */
function cut(text: string): string {
  const characters = [...text];
  return characters.length <= 40 ? text : `${characters.slice(0, 39).join("")}…`;
}
