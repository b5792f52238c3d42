/** Stage H, contents: known events with their members, times and decimals (vault-format.md, 9). */
import type { ContentCode } from "./code.js";
import type { Content, EnforcementDecision, KeyRotated, SessionStarted } from "./content.js";
import { decimalsFault } from "./decimals.js";
import type { Entry } from "./entry-check.js";
import { schemas } from "./schema.js";
import { type JsonObject, salt } from "./shape.js";

export interface ContentFault {
  readonly code: ContentCode;
  readonly why: string;
}

/**
 * The first thing wrong with the content of an entry, or null.
 *
 * @param last_at the `at` of the entry before
 */
export function contentFault(entry: Entry, last_at: string): ContentFault | null {
  const { content, details } = entry;
  const schema = typeof content.event === "string" ? schemas.get(content.event) : undefined;
  if (schema === undefined) {
    return { code: "content.event", why: "the content is that of no known event" };
  }
  const misfit = schema(content);
  if (misfit !== null) {
    return { code: "content.schema", why: `the content should be ${misfit}` };
  }
  const rule = ruleFault(content as JsonObject & Content) ?? saltFault(details);
  if (rule !== null) {
    return { code: "content.schema", why: rule };
  }
  const at = content.at as string;
  if (at < last_at || at > entry.signed_at) {
    return { code: "content.time", why: "at lies before the entry above or after signed_at" };
  }
  const decimals = decimalsFault(content) ?? (details === undefined ? null : decimalsFault(details));
  return decimals === null ? null : { code: "content.decimals", why: decimals };
}

function saltFault(details: JsonObject | undefined): string | null {
  return details === undefined || salt(details._salt) === null ? null : "the details have no _salt";
}

/** Rules between members. */
function ruleFault(content: Content): string | null {
  if ("session_id" in content && (content.session_id === null) !== (content.session_index === null)) {
    return "session_id and session_index are null together";
  }
  switch (content.event) {
    case "session_started":
      return startFault(content);
    case "enforcement_decision":
      return decisionFault(content);
    case "key_rotated":
      return rotationFault(content);
    default:
      return null;
  }
}

function startFault(content: SessionStarted): string | null {
  return (content.expires_at === null) === (content.budgets.ttl_seconds === null)
    ? null
    : "expires_at is null exactly if ttl_seconds is";
}

function decisionFault(content: EnforcementDecision): string | null {
  const loose = content.session_id === null;
  const stops = content.decision === "terminate";
  if (stops && loose) {
    return "terminate needs a session";
  }
  if (stops !== (content.cause !== null)) {
    return "terminate has a cause, and nothing else has one";
  }
  return loose === (content.consumed === null) && loose === (content.reserved === null)
    ? null
    : "consumed and reserved are null exactly without a session";
}

function rotationFault(content: KeyRotated): string | null {
  return (content.entry_key !== null) === (content.purpose === "entry")
    ? null
    : "entry_key is there exactly if an entry key is rotated";
}
