/**
 * Events as they are sealed, and back: times become texts, salts are added and taken away. The
 * sealed members are those of vault-format.md, section 3.
 */
import type { Event } from "../core/event.js";
import type { PolicyChanged } from "../core/event-policy.js";
import type { Json } from "../vault/canonical.js";
import { type ClientJson, decimals } from "../vault/details.js";
import { timeText } from "../vault/time.js";

/** Content of an entry, before its canonical text is made. */
export type Content = { readonly [member: string]: Json };

/** Members that are times, on any event. */
const time_members = [
  "at",
  "expires_at",
  "deadline_at",
  "overlap_ends_at",
  "delivered_at",
  "acknowledged_at",
  "confirmed_at",
  "last_heard_at",
] as const;

/** How an allow with warnings is sealed: for the rules it is an allow. */
const with_warning = "allow_with_warning";

const known_events: ReadonlySet<string> = new Set<Event["event"]>([
  "vault_opened",
  "session_started",
  "enforcement_decision",
  "budget_exceeded",
  "budget_raised",
  "reservation_settled",
  "lease_lost",
  "session_killed",
  "session_expired",
  "session_ended",
  "session_paused",
  "session_resumed",
  "halt_requested",
  "halt_lifted",
  "halt_acknowledged",
  "halt_confirmed",
  "halt_unconfirmed",
  "drill_started",
  "drill_ended",
  "agent_registered",
  "agent_revoked",
  "credential_issued",
  "credential_revoked",
  "api_key_created",
  "api_key_revoked",
  "policy_changed",
  "escalation_opened",
  "escalation_resolved",
  "notice",
  "heartbeat",
]);

/** An entry that this version cannot replay: it was sealed by a newer one. */
export class UnknownEvent extends Error {
  constructor(event: string, sequence: number) {
    super(
      `entry ${sequence} tells "${event}", which this version of Killcord does not know: start the version that sealed it, or a newer one`,
    );
    this.name = "UnknownEvent";
  }
}

/**
 * The content that seals an event.
 *
 * @param salt 32 hex digits; an event with an idempotency key and no details brings its own, since
 *   its request digest was made with it
 */
export function toContent(event: Event, salt: string): Content {
  // Made for every entry: one copy, to which nothing is added, and no member looked for that is not there.
  const content: Record<string, unknown> = { _salt: salt, ...event, at: timeText(event.at) };
  if ("expires_at" in event && event.expires_at !== null) {
    content.expires_at = timeText(event.expires_at);
  }
  if ("deadline_at" in event) {
    content.deadline_at = timeText(event.deadline_at);
  }
  if (event.event === "lease_lost") {
    content.last_heard_at = timeText(event.last_heard_at);
  }
  if (event.event === "halt_acknowledged") {
    content.delivered_at = event.delivered_at === null ? null : timeText(event.delivered_at);
    content.acknowledged_at = timeText(event.acknowledged_at);
  }
  if (event.event === "halt_unconfirmed") {
    content.delivered_at = event.delivered_at === null ? null : timeText(event.delivered_at);
  }
  if (event.event === "halt_confirmed") {
    content.confirmed_at = timeText(event.confirmed_at);
  }
  if ("overlap_ends_at" in event && event.overlap_ends_at !== undefined) {
    content.overlap_ends_at = timeText(event.overlap_ends_at);
  }
  if (event.event === "enforcement_decision" && event.warnings !== undefined) {
    content.decision = with_warning;
  }
  if (event.event === "policy_changed") {
    Object.assign(content, sealedPolicy(event));
  }
  if (event.event === "enforcement_decision" && event.details_salt !== undefined) {
    // It is in the details.
    delete content.details_salt;
  }
  if (event.idempotency !== undefined) {
    const { key_digest, request_digest, salt: own_salt } = event.idempotency;
    content.idempotency = { key_digest, request_digest };
    if (!hasDetails(content) && own_salt !== null) {
      content._salt = own_salt;
    }
  }
  return content as Content;
}

/**
 * The event that a content seals.
 *
 * @param content canonical content of an entry
 * @param details its canonical details, null when there are none or they were erased
 * @throws {UnknownEvent}
 */
export function fromContent(content: string, details: string | null, sequence: number): Event {
  const { _salt, ...members } = JSON.parse(content) as Record<string, unknown>;
  if (!known_events.has(members.event as string)) {
    throw new UnknownEvent(String(members.event), sequence);
  }
  for (const member of time_members) {
    const time = members[member];
    if (typeof time === "string") {
      members[member] = Date.parse(time);
    }
  }
  if (members.decision === with_warning) {
    members.decision = "allow";
  }
  if (members.event === "policy_changed") {
    restoreNumbers(members);
  }
  if (members.event === "enforcement_decision" && members.decision === "escalate" && hasDetails(members)) {
    members.details_salt = saltOf(details);
  }
  if (members.idempotency !== undefined) {
    const salt = hasDetails(members) ? saltOf(details) : _salt;
    members.idempotency = { ...(members.idempotency as object), salt };
  }
  return members as unknown as Event;
}

/** A policy as it is sealed: its numbers that are no safe integers are texts and listed. */
function sealedPolicy({ policy }: PolicyChanged): { policy: unknown; _decimals?: readonly string[] } {
  const { value, decimals: list } = decimals(policy as unknown as ClientJson, "/policy");
  return list.length === 0 ? { policy: value } : { policy: value, _decimals: list };
}

/** Makes numbers of the texts that are listed, and takes the list away. */
export function restoreNumbers(members: Record<string, unknown>): void {
  for (const pointer of (members._decimals ?? []) as readonly string[]) {
    const path = pointer.split("/").slice(1).map(unescaped);
    const last = path.pop() as string;
    const parent = path.reduce<unknown>((value, name) => (value as JsonObject)[name], members) as JsonObject;
    parent[last] = Number(parent[last]);
  }
  delete members._decimals;
}

type JsonObject = Record<string, unknown>;

/** One step of a JSON pointer (RFC 6901). */
function unescaped(step: string): string {
  return step.replaceAll("~1", "/").replaceAll("~0", "~");
}

function hasDetails(members: { readonly details_digest?: unknown }): boolean {
  return typeof members.details_digest === "string";
}

function saltOf(details: string | null): string | null {
  return details === null ? null : (JSON.parse(details) as { readonly _salt: string })._salt;
}
