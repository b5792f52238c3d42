/**
 * Messages in the form of rest-api.md, 1: snake_case, enums as lower-case words, 64-bit integers as
 * numbers as far as a double is exact, lists never missing, what has no value left out.
 */
import type { DescField, DescMethod, JsonObject, JsonValue, Message, MessageShape } from "@bufbuild/protobuf";
import { type DescMessage, getOption, hasOption, ScalarType, toJson } from "@bufbuild/protobuf";
import { http } from "../../gen/google/api/annotations_pb.js";

/** The reply of a method as its REST route gives it: `ok` first, and what response_body names on top. */
export function restReply<M extends DescMethod>(method: M, reply: MessageShape<M["output"]>): JsonObject {
  const form = restForm(method.output, reply);
  const body = hasOption(method, http) ? getOption(method, http).responseBody : "";
  return { ok: true, ...(body === "" ? form : (form[body] as JsonObject)) };
}

/** Any message but the well-known ones, whose JSON is defined by protobuf. */
function restForm(schema: DescMessage, message: Message): JsonObject {
  const json = toJson(schema, message, { alwaysEmitImplicit: true, useProtoFieldName: true });
  return reform(schema, json as JsonObject);
}

function reform(schema: DescMessage, json: JsonObject): JsonObject {
  const form: JsonObject = {};
  for (const field of schema.fields) {
    const value = json[field.name];
    if (value === undefined) continue;
    if (Array.isArray(value)) {
      form[field.name] = value.map((item) => single(field, item)).filter((item) => item !== undefined);
      continue;
    }
    const shown = single(field, value);
    if (shown !== undefined) form[field.name] = shown;
  }
  return form;
}

function single(field: DescField, value: JsonValue): JsonValue | undefined {
  if (field.enum !== undefined) return enumWord(field.enum.sharedPrefix, value);
  if (field.message !== undefined) {
    const wellKnown = field.message.typeName.startsWith("google.protobuf.");
    return wellKnown ? value : reform(field.message, value as JsonObject);
  }
  if (field.scalar === ScalarType.INT64 || field.scalar === ScalarType.UINT64) {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
  return value;
}

/** SESSION_STATUS_ACTIVE is `active`; the zero of an enum is no value. A number is unknown here. */
function enumWord(prefix: string | undefined, value: JsonValue): JsonValue | undefined {
  if (typeof value !== "string") return value;
  const word = value.toLowerCase();
  const short = prefix !== undefined && word.startsWith(prefix) ? word.slice(prefix.length) : word;
  return short === "unspecified" ? undefined : short;
}
