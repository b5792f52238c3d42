/** Requests with a text of the test's in every place that takes one. */
import {
  create,
  type DescField,
  type DescMessage,
  fromJson,
  type JsonValue,
  type Message,
  ScalarType,
} from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";

/** Messages within messages up to here: some hold themselves. */
const levels = 4;

/** A message with every field set, and `text` in every string. */
export function filled(desc: DescMessage, text: string): Message {
  return fill(reflect(desc, create(desc), false), text, levels).message;
}

function fill(target: ReflectMessage, text: string, depth: number): ReflectMessage {
  for (const field of target.fields) {
    if (field.oneof !== undefined && target.oneofCase(field.oneof) !== undefined) {
      continue;
    }
    if (field.fieldKind === "list") {
      const value = fieldValue(field, text, depth);
      if (value !== undefined) {
        target.get(field).add(value as never);
      }
    } else if (field.fieldKind !== "map") {
      const value = fieldValue(field, text, depth);
      if (value !== undefined) {
        target.set(field, value as never);
      }
    }
  }
  return target;
}

function fieldValue(field: DescField, text: string, depth: number): unknown {
  if (field.enum !== undefined) {
    return field.enum.values.at(-1)?.number;
  }
  if (field.message !== undefined) {
    return depth === 0 ? undefined : messageOf(field.message, text, depth);
  }
  switch (field.scalar) {
    case ScalarType.STRING:
      return text;
    case ScalarType.BOOL:
      return true;
    case ScalarType.BYTES:
      return new TextEncoder().encode(text);
    case ScalarType.INT64:
    case ScalarType.UINT64:
      return 1n;
    default:
      return 1;
  }
}

function freeForms(text: string): Readonly<Record<string, JsonValue>> {
  return {
    "google.protobuf.Struct": { [text]: [text] },
    "google.protobuf.Value": text,
    "google.protobuf.ListValue": [text],
  };
}

function messageOf(desc: DescMessage, text: string, depth: number): ReflectMessage {
  const free = freeForms(text)[desc.typeName];
  if (free !== undefined) {
    return reflect(desc, fromJson(desc, free), false);
  }
  const well_known = desc.typeName.startsWith("google.protobuf.");
  const empty = reflect(desc, create(desc), false);
  return well_known ? empty : fill(empty, text, depth - 1);
}
