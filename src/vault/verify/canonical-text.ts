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
  return new Reader(text, depth_max).isWhole();
}

class Reader {
  readonly #text: string;
  readonly #depth_max: number;
  #place = 0;

  constructor(text: string, depth_max: number) {
    this.#text = text;
    this.#depth_max = depth_max;
  }

  isWhole(): boolean {
    return this.#value(this.#depth_max) && this.#place === this.#text.length;
  }

  #value(levels: number): boolean {
    switch (this.#text.charCodeAt(this.#place)) {
      case open_object:
        return levels > 0 && this.#object(levels - 1);
      case open_list:
        return levels > 0 && this.#list(levels - 1);
      case quote:
        return this.#string();
      case 0x74:
        return this.#word("true");
      case 0x66:
        return this.#word("false");
      case 0x6e:
        return this.#word("null");
      default:
        return this.#number();
    }
  }

  #object(levels: number): boolean {
    this.#place++;
    if (this.#take(close_object)) {
      return true;
    }
    let last: string | null = null;
    do {
      const start = this.#place;
      if (!this.#string() || !this.#take(colon)) {
        return false;
      }
      // Of ASCII alone, so that the order of units is that of code points.
      const key = this.#text.slice(start + 1, this.#place - 2);
      if ((last !== null && key <= last) || key === "__proto__") {
        return false;
      }
      last = key;
      if (!this.#value(levels)) {
        return false;
      }
    } while (this.#take(comma));
    return this.#take(close_object);
  }

  #list(levels: number): boolean {
    this.#place++;
    if (this.#take(close_list)) {
      return true;
    }
    do {
      if (!this.#value(levels)) {
        return false;
      }
    } while (this.#take(comma));
    return this.#take(close_list);
  }

  /** Printable ASCII in quotes, without an escape. */
  #string(): boolean {
    if (!this.#take(quote)) {
      return false;
    }
    const text = this.#text;
    let place = this.#place;
    for (let unit = text.charCodeAt(place); unit !== quote; unit = text.charCodeAt(++place)) {
      // The end of the text reads as NaN, which is in no range.
      if (!(unit >= 0x20 && unit <= 0x7e) || unit === backslash) {
        return false;
      }
    }
    this.#place = place + 1;
    return true;
  }

  #number(): boolean {
    const negative = this.#take(minus);
    const start = this.#place;
    for (let unit = this.#text.charCodeAt(start); unit >= zero && unit <= nine; ) {
      unit = this.#text.charCodeAt(++this.#place);
    }
    const digits = this.#place - start;
    const is_zero = this.#text.charCodeAt(start) === zero;
    return digits > 0 && digits <= safe_digits && (!is_zero || (digits === 1 && !negative));
  }

  #word(word: string): boolean {
    const found = this.#text.startsWith(word, this.#place);
    this.#place += word.length;
    return found;
  }

  #take(unit: number): boolean {
    const found = this.#text.charCodeAt(this.#place) === unit;
    this.#place += found ? 1 : 0;
    return found;
  }
}
