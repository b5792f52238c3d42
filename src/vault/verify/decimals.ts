/** `_decimals`: which texts stand for numbers of the client that are no integers (vault-format.md, 1). */
import { byCodePoint } from "../canonical.js";
import { isObject, type JsonObject } from "./shape.js";

/** Null when an object's list is absent or right, else what is wrong with it. */
export function decimalsFault(value: JsonObject): string | null {
  if (!Object.hasOwn(value, "_decimals")) {
    return null;
  }
  const pointers = value._decimals;
  if (!Array.isArray(pointers) || pointers.length === 0 || pointers.some((p) => typeof p !== "string")) {
    return "_decimals is not a list of pointers";
  }
  for (const [i, pointer] of (pointers as string[]).entries()) {
    if (i > 0 && byCodePoint(pointers[i - 1], pointer) >= 0) {
      return "_decimals is not sorted, or names a place twice";
    }
    if (!isDecimal(at(value, pointer))) {
      return "_decimals points at something that is no decimal";
    }
  }
  return null;
}

/** Whether a value is the text of a finite double that is no safe integer, as ECMAScript writes it. */
function isDecimal(value: unknown): boolean {
  const number = Number(value);
  return (
    typeof value === "string" &&
    Number.isFinite(number) &&
    !Number.isSafeInteger(number) &&
    String(number) === value
  );
}

/** What an RFC 6901 pointer names, or undefined. */
function at(value: JsonObject, pointer: string): unknown {
  if (!/^(?:\/(?:[^~]|~[01])*)+$/su.test(pointer)) {
    return undefined;
  }
  let found: unknown = value;
  for (const token of pointer.slice(1).split("/")) {
    const key = token.replaceAll("~1", "/").replaceAll("~0", "~");
    if (Array.isArray(found)) {
      found = /^(?:0|[1-9][0-9]*)$/.test(key) ? found[Number(key)] : undefined;
    } else {
      found = isObject(found) && Object.hasOwn(found, key) ? found[key] : undefined;
    }
  }
  return found;
}
