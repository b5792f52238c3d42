/**
 * What this surface does beyond plain transcoding, for callers that were there before it: other
 * names, ignored fields, a header, and replies in another form (rest-api.md, 1, 3, 4 and 9).
 */
import type { DescMessage, Message } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { KillcordError } from "../services/errors.js";
import { isKeptName, unsupported } from "../services/expected.js";
import type { UnknownName } from "./body.js";
import { fieldNamed } from "./shape.js";
import type { PlainObject, Reshape } from "./write.js";

/** Bodies in which callers send more than this service uses. What is inside `budgets` is not among them. */
const lenient: ReadonlySet<string> = new Set([
  "killcord.v1.StartSessionRequest",
  "killcord.v1.InterceptRequest",
]);

/**
 * Messages with documented limits that this version can't hold: the names that they reserve. Given as null they mean no limit, which is true;
 * with a value they are refused even where unknown fields are ignored, since a limit that nobody
 * watches is worse than none.
 */
const unheld: ReadonlySet<string> = new Set(["killcord.v1.StartSessionRequest", "killcord.v1.Budgets"]);

/** Second names of fields, by the type of the message. */
const aliases: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map([
  ["killcord.v1.InterceptRequest", new Map([["content", "action_content"]])],
]);

/** Lists of any kind take their page size under two names. */
const list_aliases: ReadonlyMap<string, string> = new Map([["per_page", "page_size"]]);

/** Decides about a name that is no field of its message. */
export function nameRule(message: DescMessage, name: string, is_null: boolean): UnknownName {
  const alias = aliases.get(message.typeName)?.get(name) ?? list_aliases.get(name);
  const field = alias === undefined ? undefined : fieldNamed(message, alias);
  if (field !== undefined) {
    return { kind: "alias", field };
  }
  if (unheld.has(message.typeName) && isKeptName(message, name)) {
    return is_null ? { kind: "ignored" } : { kind: "refused", issue: unsupported };
  }
  return { kind: lenient.has(message.typeName) ? "ignored" : "unknown" };
}

const idempotency_key = /^[\x21-\x7e]{1,255}$/;

/**
 * Puts the header Idempotency-Key into the field of that name, on the routes that have one; on
 * others it means nothing.
 *
 * @throws {KillcordError} invalid_idempotency_key
 */
export function applyIdempotencyKey(desc: DescMessage, request: Message, header: string | null): void {
  const field = fieldNamed(desc, "idempotency_key");
  if (header === null || field === undefined) {
    return;
  }
  if (!idempotency_key.test(header)) {
    throw new KillcordError(
      "invalid_idempotency_key",
      "Idempotency-Key must be 1 to 255 printable ASCII characters without spaces",
    );
  }
  const target = reflect(desc, request, false);
  if (target.isSet(field) && target.get(field) !== header) {
    throw new KillcordError(
      "invalid_idempotency_key",
      "the header Idempotency-Key and the field idempotency_key differ; send one of them",
    );
  }
  target.set(field, header);
}

/**
 * Puts the header Last-Event-ID into the field resume_token, on the routes that have one. It goes
 * before what the URL says: a browser that connects again sends the URL as it was at first.
 */
export function applyLastEventId(desc: DescMessage, request: Message, header: string | null): void {
  const field = fieldNamed(desc, "resume_token");
  if (header !== null && header !== "" && field !== undefined) {
    reflect(desc, request, false).set(field, header);
  }
}

/** Fields that are left out when they are empty: callers of before know nothing of them. */
export const optional_fields: ReadonlyMap<string, readonly string[]> = new Map([
  ["killcord.v1.Budgets", ["warn_at_percent"]],
  ["killcord.v1.InterceptResponse", ["warnings", "policies_shadowed"]],
  ["killcord.v1.SettleResponse", ["warnings"]],
  ["killcord.v1.Decision", ["warnings", "policies_shadowed"]],
]);

/** Replies in another form than their messages. */
export const reshape: Reshape = new Map([
  ...[...optional_fields].map(([type, lists]) => [type, withoutEmpty(lists)] as const),
  ["killcord.v1.Budgets", reshapeBudgets],
  ["killcord.v1.InterceptResult", reshapeResult],
  ["killcord.v1.InterceptError", reshapeError],
]);

const amounts = ["max_actions", "max_tokens", "max_cost_usd"];

/** on_exceeded says something only where an amount is limited. */
function reshapeBudgets(plain: PlainObject): PlainObject {
  const { on_exceeded = "terminate", ...limits } = withoutEmpty(["warn_at_percent"])(plain);
  return amounts.some((amount) => amount in limits) ? { ...limits, on_exceeded } : limits;
}

function withoutEmpty(lists: readonly string[]): (plain: PlainObject) => PlainObject {
  return (plain) => {
    for (const name of lists) {
      const value = plain[name];
      if (Array.isArray(value) && value.length === 0) {
        delete plain[name];
      }
    }
    return plain;
  };
}

/** A result of a batch reads like the reply to the one action. */
function reshapeResult({ verdict, error }: PlainObject): PlainObject {
  return error === undefined ? { ok: true, ...(verdict as PlainObject) } : { ok: false, error };
}

function reshapeError({ code, message, request_id, details }: PlainObject): PlainObject {
  const plain = { code, message, request_id } as PlainObject;
  return Array.isArray(details) && details.length > 0 ? { ...plain, details } : plain;
}
