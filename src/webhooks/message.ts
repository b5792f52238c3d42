/** What a receiver is told of a sealed entry: ids, numbers and times; nothing that a person or an agent typed. */
import { type Announced, isAnnounced } from "../engine/announced.js";
import type { SealedEntry } from "../vault/entry.js";

/** What a message tells, as receivers and filters name it. */
export const message_events = [
  "halt.requested",
  "halt.lifted",
  "halt.confirmed",
  "halt.unconfirmed",
  "session.stopped",
  "budget.exceeded",
  "escalation.opened",
  "escalation.resolved",
] as const;
export type MessageEvent = (typeof message_events)[number];

export interface Message {
  /** The same for every try: receivers know by it what they have had. */
  readonly entry_id: string;
  readonly event: MessageEvent;
  /** When the entry was signed, milliseconds since 1970. */
  readonly signed_at: number;
  /** JSON, the same bytes for every try. */
  readonly body: string;
}

interface Form {
  readonly event: MessageEvent;
  /** The sealed members that are told. A list of what may leave, so that a new member stays inside. */
  readonly members: readonly string[];
}

const forms: Readonly<Record<Announced, Form>> = {
  halt_requested: {
    event: "halt.requested",
    members: ["halt_id", "scope", "mode", "session_count", "drill_id"],
  },
  halt_lifted: { event: "halt.lifted", members: ["halt_id"] },
  halt_confirmed: {
    event: "halt.confirmed",
    members: ["session_id", "halt_id", "evidence", "confirmed_at", "elapsed_ms"],
  },
  halt_unconfirmed: {
    event: "halt.unconfirmed",
    members: ["session_id", "halt_id", "why", "delivered_at", "deadline_at"],
  },
  session_killed: {
    event: "session.stopped",
    members: ["session_id", "agent_id", "stop_reason", "halt_id", "cause", "consumed", "reserved"],
  },
  session_expired: {
    event: "session.stopped",
    members: ["session_id", "agent_id", "stop_reason", "halt_id", "deadline_at", "consumed", "reserved"],
  },
  budget_exceeded: {
    event: "budget.exceeded",
    members: [
      "session_id",
      "owner_session_id",
      "unit",
      "limit",
      "spent",
      "reserved",
      "requested",
      "on_exceeded",
    ],
  },
  escalation_opened: {
    event: "escalation.opened",
    members: ["escalation_id", "decision_id", "session_id", "expires_at", "cost", "estimate"],
  },
  escalation_resolved: {
    event: "escalation.resolved",
    members: ["escalation_id", "decision_id", "session_id", "resolution", "unseen"],
  },
};

/**
 * The message that tells of an entry, or null when it is nothing to be told.
 *
 * @param log the origin of the log
 */
export function messageOf(log: string, entry: SealedEntry): Message | null {
  const content = JSON.parse(entry.content) as Readonly<Record<string, unknown>>;
  const sealed = content.event as string;
  if (!isAnnounced(sealed)) {
    return null;
  }
  const { event, members } = forms[sealed];
  const { entry_id, sequence_number, signed_at } = entry;
  const body = JSON.stringify({
    event,
    log,
    entry_id,
    sequence_number,
    at: content.at,
    signed_at,
    actor: content.actor,
    data: Object.fromEntries(members.map((member) => [member, content[member] ?? null])),
  });
  return { entry_id, event, signed_at: Date.parse(signed_at), body };
}
