import { expect } from "chai";
import fc from "fast-check";
import { type Json, JsonNumber, parseJson, parseJsonBody } from "../../src/rest/json.js";
import { KillcordError } from "../../src/services/errors.js";

describe("JSON text", () => {
  it("reads what JSON.parse reads, and refuses what it refuses", () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), jsonLike()), (text) => {
        const wanted = attempt(() => JSON.parse(text) as unknown);
        const found = attempt(() => toPlain(parseJson(text)));
        if (found === refused && wanted !== refused) {
          // The one text that JSON.parse takes and we do not.
          expect(hasTwins(text)).to.equal(true);
        } else {
          expect(found).to.deep.equal(wanted);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it("keeps the digits of numbers", () => {
    for (const token of ["9007199254740993", "1e400", "-0", "0.1000", "1E+2"]) {
      expect(parseJson(token)).to.deep.equal(new JsonNumber(token));
    }
  });

  it("finds a key that comes twice, however it is spelled, and names the place", () => {
    for (const text of ['{"a":1,"a":1}', '{"a":1,"\\u0061":2}', '{"x":[{"a":{},"a":{}}]}']) {
      expect(() => parseJson(text)).to.throw(
        KillcordError,
        /the same key twice in one object at character \d+/,
      );
    }
    expect(parseJson('[{"a":1},{"a":2}]')).to.have.length(2);
  });

  it("reads __proto__ as a key like any other", () => {
    const value = parseJson('{"__proto__":{"a":1}}');
    expect(value).to.be.instanceOf(Map);
    expect([...(value as ReadonlyMap<string, Json>).keys()]).to.deep.equal(["__proto__"]);
  });

  it("takes 128 nested containers and refuses one more", () => {
    const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
    expect(parseJson(nested(128))).to.be.an("array");
    expect(parseJson(`[${"[{}],".repeat(200)}0]`)).to.have.length(201);
    expect(() => parseJson(nested(129))).to.throw(KillcordError, /nested deeper than 128 levels/);
  });

  it("survives a megabyte of brackets, quotes or backslashes", () => {
    for (const one of ["[", "{", '"', "\\", '{"a":', " ", "-", "1"]) {
      const text = one.repeat((1024 * 1024) / one.length);
      attempt(() => parseJsonBody(Buffer.from(text)));
      attempt(() => parseJsonBody(Buffer.from(`"${text}`)));
    }
  });

  it("refuses bytes that are not UTF-8 and a byte order mark, and takes white space for nothing", () => {
    for (const bytes of [
      [0x22, 0xff, 0x22],
      [0x22, 0xed, 0xa0, 0x80, 0x22],
      [0xef, 0xbb, 0xbf, 0x7b, 0x7d],
    ]) {
      expect(() => parseJsonBody(Uint8Array.from(bytes)))
        .to.throw(KillcordError)
        .with.property("code", "invalid_json");
    }
    expect(parseJsonBody(Buffer.from(" \r\n\t"))).to.equal(undefined);
  });

  it("never repeats the text in its message", () => {
    expect(() => parseJson('{"secret_key": hunter2}'))
      .to.throw(KillcordError)
      .that.satisfies((error: KillcordError) => !/secret|hunter/.test(error.message));
  });
});

const refused = Symbol("refused");

function attempt<T>(call: () => T): T | typeof refused {
  try {
    return call();
  } catch (thrown) {
    if (
      thrown instanceof SyntaxError ||
      (thrown instanceof KillcordError && thrown.code === "invalid_json")
    ) {
      return refused;
    }
    throw thrown;
  }
}

/** Texts that are nearly JSON. */
function jsonLike(): fc.Arbitrary<string> {
  const pieces = [
    '"',
    "\\",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "1",
    "-",
    ".",
    "e",
    "0",
    "null",
    "true",
    " ",
    '"a"',
    "\\u00",
  ];
  return fc
    .array(fc.constantFrom(...pieces, "\n", "\u0001", "é"), { maxLength: 14 })
    .map((all) => all.join(""));
}

function hasTwins(text: string): boolean {
  return /the same key twice/.test(String(message(() => parseJson(text))));
}

function message(call: () => unknown): unknown {
  try {
    return call();
  } catch (thrown) {
    return thrown;
  }
}

function toPlain(json: Json): unknown {
  if (json instanceof JsonNumber) {
    return Number(json.token);
  }
  if (json instanceof Map) {
    const plain = {};
    for (const [key, value] of json as ReadonlyMap<string, Json>) {
      // As JSON.parse does it: __proto__ too becomes a member of its own.
      Object.defineProperty(plain, key, {
        value: toPlain(value),
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    return plain;
  }
  return Array.isArray(json) ? (json as Json[]).map(toPlain) : json;
}
