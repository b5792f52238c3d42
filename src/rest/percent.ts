/** Percent escapes of paths and queries (RFC 3986, 2.1), decoded once and strictly. */

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const plain = /^[!-$&-*,-~]*$/;
const well_formed = /^(?:[^%]|%[0-9A-Fa-f]{2})*$/;

const PERCENT = 0x25;
const PLUS = 0x2b;
const SLASH = 0x2f;
const SPACE = 0x20;

/** How a part of the target is read. */
export interface PercentRules {
  /** `+` means a space: in queries. */
  readonly plus_is_space: boolean;
  /** `%2F` stays as it was sent: where a variable covers several segments. */
  readonly keep_slashes: boolean;
}

/** Whether each `%` is followed by two hex digits. */
export function escapesAreWellFormed(text: string): boolean {
  return well_formed.test(text);
}

/**
 * Decodes every escape. The text holds one byte a character, as node:http gives it.
 *
 * @returns null for a malformed escape, or when the bytes are not UTF-8
 */
export function decodePercent(text: string, rules: PercentRules): string | null {
  if (plain.test(text)) {
    return text;
  }
  if (!escapesAreWellFormed(text)) {
    return null;
  }
  const bytes = new Uint8Array(text.length);
  let length = 0;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit > 0xff) {
      return null;
    }
    if (unit === PLUS && rules.plus_is_space) {
      bytes[length++] = SPACE;
      continue;
    }
    if (unit === PERCENT) {
      const byte = Number.parseInt(text.slice(i + 1, i + 3), 16);
      if (byte !== SLASH || !rules.keep_slashes) {
        bytes[length++] = byte;
        i += 2;
        continue;
      }
    }
    bytes[length++] = unit;
  }
  try {
    return decoder.decode(bytes.subarray(0, length));
  } catch {
    return null;
  }
}
