/** Free-form data of a body: google.protobuf.Struct, Value and ListValue. */
import { type DescMessage, fromJson, type JsonObject, type JsonValue } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { limits } from "../limits.js";
import type { FieldIssue } from "../services/errors.js";
import { memberPath } from "./issues.js";
import { type Json, JsonNumber } from "./json.js";

/** Reads free-form data into a message of its type; null when an issue was reported. */
export function readFree(
  message: DescMessage,
  json: Json,
  at: string,
  issues: FieldIssue[],
): ReflectMessage | null {
  const issue = rootIssue(message, json);
  if (issue !== null) {
    issues.push({ field: at, issue });
    return null;
  }
  const issues_before = issues.length;
  const plain = toPlain(json, at, issues);
  return issues.length === issues_before ? reflect(message, fromJson(message, plain), false) : null;
}

function rootIssue(message: DescMessage, json: Json): string | null {
  if (message.typeName === "google.protobuf.Struct" && !(json instanceof Map)) {
    return "expected an object";
  }
  if (message.typeName === "google.protobuf.ListValue" && !Array.isArray(json)) {
    return "expected a list";
  }
  // Each container costs up to three levels of the binary form, and common decoders stop at 100.
  return isDeeper(json, limits.metadata_depth)
    ? `nested deeper than ${limits.metadata_depth} containers`
    : null;
}

function isDeeper(json: Json, containers: number): boolean {
  if (!(json instanceof Map) && !Array.isArray(json)) {
    return false;
  }
  if (containers === 0) {
    return true;
  }
  for (const item of json.values()) {
    if (isDeeper(item as Json, containers - 1)) {
      return true;
    }
  }
  return false;
}

function toPlain(json: Json, at: string, issues: FieldIssue[]): JsonValue {
  if (json === null || typeof json === "boolean") {
    return json;
  }
  if (typeof json === "string") {
    if (!json.isWellFormed()) {
      issues.push({ field: at, issue: "expected text without lone surrogates" });
    }
    return json;
  }
  if (json instanceof JsonNumber) {
    const number = Number(json.token);
    if (!Number.isFinite(number)) {
      issues.push({ field: at, issue: "expected a number that a double can hold" });
    }
    return number;
  }
  if (json instanceof Map) {
    return toPlainObject(json, at, issues);
  }
  return (json as readonly Json[]).map((item, i) => toPlain(item, `${at}[${i}]`, issues));
}

function toPlainObject(json: ReadonlyMap<string, Json>, at: string, issues: FieldIssue[]): JsonObject {
  const object: JsonObject = {};
  for (const [key, value] of json) {
    const issue = keyIssue(key);
    if (issue === null) {
      object[key] = toPlain(value, memberPath(at, key), issues);
    } else {
      issues.push({ field: memberPath(at, key), issue });
    }
  }
  return object;
}

/** What is wrong with a key that the caller made up; null when nothing is. */
export function keyIssue(key: string): string | null {
  if (key === "__proto__") {
    return "this key is refused, because many programs lose it";
  }
  return key.isWellFormed() ? null : "expected a key without lone surrogates";
}
