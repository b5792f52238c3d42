import { createHash } from "node:crypto";
import { expect } from "chai";
import fc from "fast-check";
import { CanonicalError, canonical, isCanonical } from "../../src/vault/canonical.js";
import { vector } from "../vectors.js";

interface Vectors {
  readonly accept: readonly { name: string; json: string; canonical: string; sha256: string }[];
  readonly refuse: readonly { name: string; json: string; code: string }[];
  readonly host_refuse: readonly { name: string; value: string; code: string }[];
  readonly text: readonly { name: string; text: string; canonical: boolean }[];
  readonly size: readonly {
    name: string;
    string_of: string;
    length: number;
    canonical_bytes: number;
    ok: boolean;
  }[];
}

const vectors = vector<Vectors>("vault/canonical.json");

/** The code that a value is refused with, or null when it has a canonical text. */
function refusal(value: unknown): string | null {
  try {
    canonical(value);
    return null;
  } catch (error) {
    expect(error).to.be.instanceOf(CanonicalError);
    return (error as CanonicalError).code;
  }
}

class Point {
  x = 1;
}

class List extends Array<number> {}

const selfish: Record<string, unknown> = {};
selfish.self = selfish;

const host_values: Readonly<Record<string, unknown>> = {
  undefined: undefined,
  "member undefined": { a: undefined },
  function: () => 1,
  symbol: Symbol("s"),
  bigint: 1n,
  Date: new Date(0),
  Map: new Map(),
  Uint8Array: new Uint8Array(1),
  // biome-ignore lint/suspicious/noSparseArray: the hole is what is tested
  "sparse array": [1, , 2],
  "class instance": new Point(),
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  "-Infinity": Number.NEGATIVE_INFINITY,
  "object that contains itself": selfish,
};

describe("canonical JSON", () => {
  for (const { name, json, canonical: text, sha256 } of vectors.accept) {
    it(`has one text: ${name}`, () => {
      expect(canonical(JSON.parse(json))).to.equal(text);
      expect(createHash("sha256").update(text).digest("hex")).to.equal(sha256);
      expect(isCanonical(text)).to.equal(true);
    });
  }

  for (const { name, json, code } of vectors.refuse) {
    it(`refuses ${name} as ${code}`, () => expect(refusal(JSON.parse(json))).to.equal(code));
  }

  for (const { name, value, code } of vectors.host_refuse) {
    it(`refuses what JSON never gives: ${name}`, () => {
      expect(host_values).to.have.property(value);
      expect(refusal(host_values[value])).to.equal(code);
    });
  }

  it("refuses an instance of a class of arrays", () => {
    expect(refusal(List.from([1]))).to.equal("type");
  });

  for (const { name, text, canonical: expected } of vectors.text) {
    it(`tells whether a text is canonical: ${name}`, () => expect(isCanonical(text)).to.equal(expected));
  }

  for (const { name, string_of, length, canonical_bytes, ok } of vectors.size) {
    it(`bounds the bytes: ${name}`, () => {
      const value = string_of.repeat(length);
      expect(canonical(value, Number.POSITIVE_INFINITY)).to.have.length(canonical_bytes);
      expect(refusal(value)).to.equal(ok ? null : "size");
    });
  }

  it("sorts the keys of every object for itself, however alike they are to those before", () => {
    // Few lengths and few letters, so that many key lists look alike.
    const key = fc.string({ unit: fc.constantFrom("a", "b", "\u{10000}", "\uffff"), maxLength: 2 });
    const objects = fc.array(fc.uniqueArray(key, { maxLength: 5 }), { maxLength: 30 });
    const property = fc.property(objects, (lists) => {
      for (const keys of lists) {
        const text = canonical(Object.fromEntries(keys.map((name, i) => [name, i])));
        const sorted = [...keys].sort((a, b) => Buffer.from(a).compare(Buffer.from(b)));
        expect(Object.keys(JSON.parse(text))).to.deep.equal(sorted);
        expect(sorted.map((name) => JSON.parse(text)[name])).to.deep.equal(
          sorted.map((name) => keys.indexOf(name)),
        );
      }
    });
    fc.assert(property);
  });
});
