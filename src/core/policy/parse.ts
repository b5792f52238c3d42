/**
 * The one parse of a policy, whoever brings it: a call, a file. What comes out is typed, has all its
 * members, and compiles.
 */
import { limits } from "../../limits.js";
import { compile } from "./compile.js";
import { Conditions } from "./conditions.js";
import type { Json, JsonObject, PolicyDocument } from "./document.js";
import { PolicyError, step } from "./error.js";
import { policy_types } from "./types.js";

const id_pattern = /^[0-9a-f]{32}$/;
const verdicts = ["allow", "block", "escalate", "terminate"] as const;

/**
 * @param value the members of a policy as JSON, without what a server sets
 * @throws {PolicyError} the first thing that is wrong, with its place
 */
export function parsePolicy(
  value: JsonObject,
  { policy_id, source }: Pick<PolicyDocument, "policy_id" | "source">,
): PolicyDocument {
  if (!id_pattern.test(policy_id)) {
    throw new PolicyError("/policy_id", "must be 32 hex digits");
  }
  const plain = sealable(value, "", 0) as JsonObject;
  const members = new Conditions(plain, "");
  const document: PolicyDocument = {
    policy_id,
    name: members.text("name", limits.policy_name_characters),
    description: textOrEmpty(members, "description", limits.policy_description_characters),
    policy_type: members.choice("policy_type", Object.keys(policy_types)),
    decision: members.choice("decision", verdicts),
    priority: members.has("priority") ? members.integer("priority", -(2 ** 31), 2 ** 31 - 1) : 0,
    action_types: actionTypes(members),
    conditions: conditionsOf(members),
    ...(members.has("trust_threshold") ? { trust_threshold: members.number("trust_threshold") } : {}),
    mode: members.choice("mode", ["live", "shadow"], "live"),
    enabled: members.boolean("enabled", true),
    source,
  };
  members.end();
  if (sealedLength(document) > limits.policy_bytes) {
    throw new PolicyError("", `is larger than ${limits.policy_bytes} bytes as it would be sealed`);
  }
  compile(document);
  return document;
}

function textOrEmpty(members: Conditions, name: string, characters_max: number): string {
  const value = members.value(name);
  if (value !== null && (typeof value !== "string" || value.length > characters_max)) {
    throw new PolicyError(members.at(name), `must be a text of at most ${characters_max} characters`);
  }
  return value ?? "";
}

function actionTypes(members: Conditions): readonly string[] {
  const value = members.value("action_types");
  if (value === null || (Array.isArray(value) && value.length === 0)) {
    return [];
  }
  const { policy_action_types, policy_action_type_characters } = limits;
  const patterns = members.texts("action_types", policy_action_types, policy_action_type_characters);
  const place = patterns.findIndex((pattern) => !/^[A-Za-z0-9_.:/*-]+$/.test(pattern));
  if (place !== -1) {
    throw new PolicyError(
      members.at("action_types") + step(place),
      "holds a character that no action type has: letters, digits, _ . : / - and * for any of them",
    );
  }
  return patterns;
}

function conditionsOf(members: Conditions): JsonObject {
  const value = members.value("conditions") ?? {};
  if (typeof value !== "object" || Array.isArray(value)) {
    throw new PolicyError("/conditions", "must be an object");
  }
  const conditions = value as JsonObject;
  if (Object.hasOwn(conditions, "warning")) {
    new Conditions(conditions).text("warning", limits.reason_characters);
  }
  return conditions;
}

/** The same value with numbers as they are sealed and found again: -0 is 0, and none is without an end. */
function sealable(value: Json, path: string, depth: number): Json {
  if (typeof value === "number") {
    if (!Number.isFinite(value)) {
      throw new PolicyError(path, `${value} is no number that can be sealed`);
    }
    return value + 0;
  }
  if (typeof value === "string") {
    if (!isWellFormed(value)) {
      throw new PolicyError(path, "holds half of a surrogate pair");
    }
    return value;
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  // Before descending: a caller must not choose how deep this recursion goes.
  if (depth >= limits.metadata_depth) {
    throw new PolicyError(path, `more than ${limits.metadata_depth} nested containers`);
  }
  if (Array.isArray(value)) {
    return value.map((each: Json, i) => sealable(each, path + step(i), depth + 1));
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, member]): [string, Json] => {
      if (name === "__proto__" || !isWellFormed(name)) {
        throw new PolicyError(path, "has a member whose name cannot be sealed");
      }
      return [name, sealable(member, path + step(name), depth + 1)];
    }),
  );
}

/** Whether a text has no half of a surrogate pair. */
function isWellFormed(text: string): boolean {
  return !/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/.test(text);
}

/** Bytes of the canonical text, about: what is not ASCII becomes six. */
function sealedLength(document: PolicyDocument): number {
  const text = JSON.stringify(document);
  return text.length + 5 * (text.match(/[^\x20-\x7e]/g)?.length ?? 0);
}
