/**
 * Whether a text is canonical JSON, told from its characters alone: much faster than writing its value
 * again. It knows the plain case, ASCII without escapes; of everything else it says that it does not know.
 */

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const minus = 0x2d;
const zero = 0x30;
const nine = 0x39;
const open_object = 0x7b;
const close_object = 0x7d;
const open_list = 0x5b;
const close_list = 0x5d;

/** Digits of a number that is a safe integer whatever they are. */
const safe_digits = 15;

/**
 * Whether a text that JSON.parse takes is surely canonical.
 *
 * @param depth_max most nested containers
 * @returns false when it is not, or when that has to be found in another way
 */
export function isPlainCanonical(text: string, depth_max: number): boolean {
  return endOfValue(text, 0, depth_max) === text.length;
}

// Each function gives the place behind what it has read, or -1. Nothing is allocated but keys: of a
// million lines each is looked at once.

function endOfValue(text: string, place: number, levels: number): number {
  const unit = text.charCodeAt(place);
  switch (unit) {
    case open_object:
      return levels > 0 ? endOfObject(text, place, levels - 1) : -1;
    case open_list:
      return levels > 0 ? endOfList(text, place, levels - 1) : -1;
    case quote:
      return endOfString(text, place);
    case 0x74:
      return text.startsWith("true", place) ? place + 4 : -1;
    case 0x66:
      return text.startsWith("false", place) ? place + 5 : -1;
    case 0x6e:
      return text.startsWith("null", place) ? place + 4 : -1;
    default:
      return endOfNumber(text, place);
  }
}

function endOfObject(text: string, start: number, levels: number): number {
  let place = start + 1;
  if (text.charCodeAt(place) === close_object) {
    return place + 1;
  }
  for (let last: string | null = null; ; place++) {
    const end = endOfString(text, place);
    if (end < 0 || text.charCodeAt(end) !== colon) {
      return -1;
    }
    // Of ASCII alone, so that the order of units is that of code points.
    const key = text.slice(place + 1, end - 1);
    if ((last !== null && key <= last) || key === "__proto__") {
      return -1;
    }
    last = key;
    place = endOfValue(text, end + 1, levels);
    const unit = place < 0 ? 0 : text.charCodeAt(place);
    if (unit !== comma) {
      return unit === close_object ? place + 1 : -1;
    }
  }
}

function endOfList(text: string, start: number, levels: number): number {
  let place = start + 1;
  if (text.charCodeAt(place) === close_list) {
    return place + 1;
  }
  for (; ; place++) {
    place = endOfValue(text, place, levels);
    const unit = place < 0 ? 0 : text.charCodeAt(place);
    if (unit !== comma) {
      return unit === close_list ? place + 1 : -1;
    }
  }
}

/** Printable ASCII in quotes, without an escape. */
function endOfString(text: string, start: number): number {
  if (text.charCodeAt(start) !== quote) {
    return -1;
  }
  let place = start + 1;
  for (let unit = text.charCodeAt(place); unit !== quote; unit = text.charCodeAt(++place)) {
    // The end of the text reads as NaN, which is in no range.
    if (!(unit >= 0x20 && unit <= 0x7e) || unit === backslash) {
      return -1;
    }
  }
  return place + 1;
}

function endOfNumber(text: string, start: number): number {
  const negative = text.charCodeAt(start) === minus;
  const first = negative ? start + 1 : start;
  let place = first;
  for (let unit = text.charCodeAt(place); unit >= zero && unit <= nine; unit = text.charCodeAt(place)) {
    place++;
  }
  const digits = place - first;
  const leads_zero = text.charCodeAt(first) === zero && (digits > 1 || negative);
  return digits > 0 && digits <= safe_digits && !leads_zero ? place : -1;
}
