/** A message into the JSON of this surface: snake_case, short enum names, nothing null. */
import { type DescField, type Message, ScalarType, toJson } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { FeatureSet_FieldPresence, isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { enumShortName, messageKind } from "./shape.js";

/** What JSON.stringify takes. */
export type Plain = null | boolean | number | string | Plain[] | PlainObject;

/** An object with its members in the order in which they are written. */
export interface PlainObject {
  [name: string]: Plain;
}

/** Gives the messages of a type another form than plain transcoding would, by full type name. */
export type Reshape = ReadonlyMap<string, (plain: PlainObject) => PlainObject>;

type Typed = Pick<DescField, "scalar" | "enum" | "message">;

/**
 * Writes a message with fields of its own. Scalars without presence, lists and maps are always
 * there; a message, an optional field or an enum without a value is left out.
 */
export function writeObject(message: ReflectMessage, reshape: Reshape): PlainObject {
  const plain: PlainObject = {};
  for (const field of message.fields) {
    if (isWritten(message, field)) {
      plain[field.name] = writeField(message, field, reshape);
    }
  }
  return reshape.get(message.desc.typeName)?.(plain) ?? plain;
}

/** Writes one field's value. */
export function writeField(message: ReflectMessage, field: DescField, reshape: Reshape): Plain {
  switch (field.fieldKind) {
    case "list":
      if (field.scalar === ScalarType.STRING) {
        // As it is: there may be many, as the policies that were asked. Nobody changes a reply's lists.
        return (message.message as unknown as Record<string, string[]>)[field.localName] as string[];
      }
      return Array.from(message.get(field), (item) => writeValue(field, item, reshape));
    case "map": {
      // Without a prototype, so that no key can be one.
      const plain: PlainObject = Object.create(null);
      for (const [key, value] of message.get(field)) {
        plain[String(key)] = writeValue(field, value, reshape);
      }
      return plain;
    }
    default:
      return writeValue(field, message.get(field), reshape);
  }
}

function isWritten(message: ReflectMessage, field: DescField): boolean {
  switch (field.fieldKind) {
    case "list":
    case "map":
      return true;
    case "message":
      return message.isSet(field);
    case "enum":
      // Zero says that there is no value, also where it was set.
      return message.isSet(field) && message.get(field) !== 0;
    case "scalar":
      return field.presence === FeatureSet_FieldPresence.IMPLICIT || message.isSet(field);
  }
}

function writeValue(type: Typed, value: unknown, reshape: Reshape): Plain {
  if (type.enum !== undefined) {
    return enumShortName(type.enum, value as number) ?? (value as number);
  }
  if (type.message !== undefined) {
    return writeMessage(value as ReflectMessage, reshape);
  }
  return writeScalar(type.scalar ?? ScalarType.STRING, value);
}

function writeMessage(message: ReflectMessage, reshape: Reshape): Plain {
  const { desc } = message;
  if (messageKind(desc) === "object") {
    return writeObject(message, reshape);
  }
  const [field] = desc.fields;
  if (isWrapperDesc(desc) && field !== undefined) {
    return writeField(message, field, reshape);
  }
  if (desc.typeName === "google.protobuf.FieldMask" && field?.fieldKind === "list") {
    return Array.from(message.get(field), String).join(",");
  }
  return toJson(desc, message.message) as Plain;
}

function writeScalar(scalar: ScalarType, value: unknown): Plain {
  switch (scalar) {
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
    case ScalarType.UINT64:
    case ScalarType.FIXED64: {
      const number = Number(value);
      return Number.isSafeInteger(number) ? number : String(value);
    }
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return Number.isFinite(value) ? (value as number) : String(value);
    case ScalarType.BYTES:
      return Buffer.from(value as Uint8Array).toString("base64");
    default:
      return value as Plain;
  }
}

/** The reply to a request: the response, or the one field of it that stands for it, `ok` first. */
export function writeReply(
  response: Message,
  desc: ReflectMessage["desc"],
  response_body: DescField | null,
  reshape: Reshape,
): Plain {
  const message = reflect(desc, response, false);
  if (response_body === null) {
    return { ok: true, ...writeObject(message, reshape) };
  }
  if (response_body.fieldKind !== "message") {
    return writeField(message, response_body, reshape);
  }
  // An unset message has nothing to say, which is not the same as fields of zeros.
  const value = message.isSet(response_body) ? writeField(message, response_body, reshape) : {};
  return { ok: true, ...(value as PlainObject) };
}
