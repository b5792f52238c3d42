/** A JSON body into a message. All faults are collected; nothing stops at the first. */
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { markMalformed } from "../services/malformed.js";
import { keyIssue, readFree } from "./free.js";
import { type BodyFaults, faultIn, invalidValues, memberPath } from "./issues.js";
import { type Json, type JsonMap, JsonNumber } from "./json.js";
import { Misfit, readJsonLeaf, readMoney, readTextLeaf } from "./leaf.js";
import { issueOf } from "./misfit.js";
import { failsAlone, fieldNamed, isMoney, messageKind } from "./shape.js";

/** What becomes of a name that is no field of its message. */
export type UnknownName =
  | { readonly kind: "unknown" }
  | { readonly kind: "ignored" }
  /** Another name of this field. */
  | { readonly kind: "alias"; readonly field: DescField }
  /** A value of a field that is known, but can't be held. */
  | { readonly kind: "refused"; readonly issue: string };

/** Decides about names that are no field. `json` is null for an explicit null. */
export type NameRule = (message: DescMessage, name: string, is_null: boolean) => UnknownName;

interface Reading extends BodyFaults {
  readonly rule: NameRule;
}

/** Reads an object's members into the fields of `target`; `at` is the path of the object. */
export function readObject(
  json: JsonMap,
  target: ReflectMessage,
  at: string,
  rule: NameRule,
  faults: BodyFaults,
): void {
  readMembers({ ...faults, rule }, json, target, at);
}

/** Reads a value into one field of `target`; `at` is the path of the field. */
export function readValue(
  json: Json,
  target: ReflectMessage,
  field: DescField,
  at: string,
  rule: NameRule,
  faults: BodyFaults,
): void {
  readField({ ...faults, rule }, json, target, field, at);
}

function readMembers(reading: Reading, json: JsonMap, target: ReflectMessage, at: string): void {
  const seen = new Set<DescField>();
  const aliases: { field: DescField; json: Json; at: string }[] = [];
  for (const [name, value] of json) {
    const field = fieldNamed(target.desc, name);
    if (field !== undefined) {
      const path = memberPath(at, field.name);
      if (seen.has(field)) {
        reading.invalid.push({ field: path, issue: "the same field under two names" });
      } else {
        seen.add(field);
        readField(reading, value, target, field, path);
      }
      continue;
    }
    const path = memberPath(at, name);
    const found = reading.rule(target.desc, name, value === null);
    switch (found.kind) {
      case "unknown":
        reading.unknown.push(path);
        break;
      case "refused":
        reading.invalid.push({ field: path, issue: found.issue });
        break;
      case "alias":
        aliases.push({ field: found.field, json: value, at: path });
        break;
      case "ignored":
        break;
    }
  }
  for (const alias of aliases) {
    readAlias(reading, alias, target);
  }
}

/** An alias may repeat its field's value, and may not contradict it. */
function readAlias(
  reading: Reading,
  alias: { readonly field: DescField; readonly json: Json; readonly at: string },
  target: ReflectMessage,
): void {
  const { field, json, at } = alias;
  if (!target.isSet(field)) {
    readField(reading, json, target, field, at);
    return;
  }
  const value = json === null ? target.get(field) : readJsonLeaf(field, json);
  if (value instanceof Misfit) {
    reading.invalid.push(issueOf(field, at, value));
  } else if (value !== target.get(field)) {
    reading.invalid.push({ field: at, issue: `differs from ${field.name}, which means the same` });
  }
}

function readField(reading: Reading, json: Json, target: ReflectMessage, field: DescField, at: string): void {
  if (json === null && !takesNull(field)) {
    return;
  }
  if (field.oneof !== undefined && target.oneofCase(field.oneof) !== undefined) {
    reading.invalid.push({ field: at, issue: `only one of ${field.oneof.name} may be set` });
    return;
  }
  switch (field.fieldKind) {
    case "list":
      readList(reading, json, target, field, at);
      return;
    case "map":
      readMap(reading, json, target, field, at);
      return;
    case "message":
    case "scalar":
    case "enum": {
      const value = readSingle(reading, json, field, at);
      if (value !== undefined) {
        target.set(field, value);
      }
    }
  }
}

/** null is a value of google.protobuf.Value alone, and elsewhere means that nothing is given. */
function takesNull(field: DescField): boolean {
  return field.fieldKind === "message" && isAnyValue(field);
}

function isAnyValue(field: DescField): boolean {
  return field.message?.typeName === "google.protobuf.Value";
}

/** Reads what a single field, an item or a map value holds; undefined when an issue was reported. */
function readSingle(reading: Reading, json: Json, field: DescField, at: string): unknown {
  if (json === null && !isAnyValue(field)) {
    reading.invalid.push({ field: at, issue: "null is not a value here" });
    return undefined;
  }
  const kind = field.message === undefined ? "leaf" : messageKind(field.message);
  if (field.message !== undefined && kind === "free") {
    return readFree(field.message, json, at, reading.invalid) ?? undefined;
  }
  if (field.message !== undefined && kind === "object") {
    if (!(json instanceof Map)) {
      reading.invalid.push({ field: at, issue: "expected an object" });
      return undefined;
    }
    const child = reflect(field.message, undefined, false);
    readMembers(reading, json, child, at);
    return child;
  }
  const value = isMoney(field) ? readMoney(json) : readJsonLeaf(field, json);
  if (value instanceof Misfit) {
    reading.invalid.push(issueOf(field, at, value));
    return undefined;
  }
  return value;
}

function readList(
  reading: Reading,
  json: Json,
  target: ReflectMessage,
  field: DescField & { fieldKind: "list" },
  at: string,
): void {
  if (json instanceof Map || json instanceof JsonNumber || !Array.isArray(json)) {
    reading.invalid.push({ field: at, issue: "expected a list" });
    return;
  }
  const list = target.get(field);
  const alone = failsAlone(field);
  (json as readonly Json[]).forEach((item, i) => {
    const place = `${at}[${i}]`;
    const value = alone ? readAlone(reading, item, field, place) : readSingle(reading, item, field, place);
    if (value !== undefined) {
      list.add(value);
    }
  });
}

/** Reads an item whose faults are its own: they are kept with it, and the others go on. */
function readAlone(reading: Reading, json: Json, field: DescField, at: string): unknown {
  const faults: BodyFaults = { unknown: [], invalid: [] };
  // Paths inside an item begin at the item, as they do where it is sent by itself.
  const value = json instanceof Map ? readSingle({ ...reading, ...faults }, json, field, "") : undefined;
  const fault =
    json instanceof Map ? faultIn(faults) : invalidValues([{ field: at, issue: "expected an object" }]);
  if (fault === null || field.message === undefined) {
    return value;
  }
  const item = reflect(field.message, undefined, false);
  markMalformed(item.message, fault);
  return item;
}

function readMap(
  reading: Reading,
  json: Json,
  target: ReflectMessage,
  field: DescField & { fieldKind: "map" },
  at: string,
): void {
  if (!(json instanceof Map)) {
    reading.invalid.push({ field: at, issue: "expected an object" });
    return;
  }
  const map = target.get(field);
  for (const [name, item] of json) {
    const path = memberPath(at, name);
    const key = readMapKey(field, name);
    if (key instanceof Misfit) {
      reading.invalid.push({ field: path, issue: key.issue });
      continue;
    }
    const value = readSingle(reading, item, field, path);
    if (value !== undefined) {
      map.set(key, value);
    }
  }
}

function readMapKey(field: DescField & { fieldKind: "map" }, name: string): unknown {
  const issue = keyIssue(name);
  if (issue !== null) {
    return new Misfit(issue);
  }
  return field.mapKey === ScalarType.STRING
    ? name
    : readTextLeaf({ scalar: field.mapKey, enum: undefined, message: undefined }, name);
}
