import { expect } from "chai";
import { decodeBatch, encodeBatch } from "../../src/vault/batch.js";
import { canonical } from "../../src/vault/canonical.js";
import { certificateText, type EntryKey } from "../../src/vault/certificate.js";
import {
  type Envelope,
  entryId,
  envelopeOf,
  hashedLine,
  LeafError,
  leafOf,
  parseLeaf,
} from "../../src/vault/entry.js";
import { sha256Hex } from "../../src/vault/hash.js";
import { vector } from "../vectors.js";

interface VectorEntry {
  readonly content: unknown;
  readonly canonical_content: string;
  readonly canonical_details?: string;
  readonly content_hash: string;
  readonly hashed_line: string;
  readonly entry_hash: string;
  readonly entry_id: string;
  readonly envelope: Envelope;
  readonly leaf: string;
}

interface Vectors {
  readonly origin: string;
  readonly entries: readonly VectorEntry[];
  readonly invalid: readonly { name: string; code: string; entry: Record<string, unknown> }[];
  readonly certificate: EntryKey & { readonly text: string };
  readonly batch_value: {
    readonly first_index: number;
    readonly key_hex: string;
    readonly entries: readonly number[];
    readonly value_hex: string;
  };
}

const vectors = vector<Vectors>("vault/entry.json");

describe("an entry", () => {
  for (const test of vectors.entries) {
    const index = test.envelope.sequence_number;
    it(`has the hashes, the id and the leaf of the vector: ${index}`, () => {
      expect(canonical(test.content)).to.equal(test.canonical_content);
      expect(sha256Hex(test.canonical_content)).to.equal(test.content_hash);
      expect(hashedLine(test.envelope)).to.equal(test.hashed_line);
      expect(sha256Hex(test.hashed_line)).to.equal(test.entry_hash);
      expect(entryId(index, test.entry_hash)).to.equal(test.entry_id);
      const { key_id, value } = test.envelope.signature;
      const envelope = envelopeOf(vectors.origin, test.envelope, test.entry_hash, key_id, value);
      expect(envelope).to.deep.equal(test.envelope);
      expect(leafOf(envelope)).to.equal(test.leaf);
      expect(parseLeaf(test.leaf)).to.deep.equal(test.envelope);
    });
  }

  it("writes the leaf as canonical() would, also for an origin that needs escapes", () => {
    const envelope = { ...(vectors.entries[1] as VectorEntry).envelope, log: 'a"b\\c/d' };
    expect(leafOf(envelope)).to.equal(canonical(envelope));
    expect(parseLeaf(leafOf(envelope))).to.deep.equal(envelope);
  });

  it("has room in its leaf for the longest origin, of characters that all need an escape", () => {
    const envelope = { ...(vectors.entries[1] as VectorEntry).envelope, log: '"'.repeat(200) };
    expect(parseLeaf(leafOf(envelope)).log).to.have.length(200);
  });
});

describe("a leaf is refused", () => {
  for (const { name, entry } of vectors.invalid.filter((test) => test.code === "entry.field")) {
    it(name, () => {
      const { content: _content, details: _details, ...envelope } = entry;
      expect(() => parseLeaf(canonical(envelope))).to.throw(LeafError);
    });
  }

  const leaf = (vectors.entries[1] as VectorEntry).leaf;
  const spoilt: Readonly<Record<string, string>> = {
    "when it is not JSON": leaf.slice(1),
    "when it is not an object": "[]",
    "with white space": leaf.replace(",", ", "),
    "with a member twice": leaf.replace('"v":1', '"v":1,"v":1'),
    "with a number spelt otherwise": leaf.replace('"v":1', '"v":1.0'),
    "with a member more in its signature": leaf.replace('"algorithm"', '"a":1,"algorithm"'),
    "with base64 whose spare bits are not zero": leaf.replace(/([AQgw])==/, (end) =>
      end.replace(/[AQgw]/, (last) => String.fromCharCode(last.charCodeAt(0) + 1)),
    ),
    "with an origin that holds a space": leaf.replace("vault.example.com", "vault example.com"),
  };
  for (const [name, text] of Object.entries(spoilt)) {
    it(name, () => {
      expect(text).not.to.equal(leaf);
      expect(() => parseLeaf(text)).to.throw(LeafError);
    });
  }
});

describe("the certificate of an entry key", () => {
  it("has the text of the vector", () => {
    expect(certificateText(vectors.origin, vectors.certificate)).to.equal(vectors.certificate.text);
  });
});

describe("a stored batch", () => {
  const { first_index, value_hex, entries } = vectors.batch_value;
  const value = Buffer.from(value_hex, "hex");
  const batch = entries.map((index) => {
    const entry = vectors.entries[index] as VectorEntry;
    return {
      sequence_number: index,
      leaf: entry.leaf,
      content: entry.canonical_content,
      details: entry.canonical_details ?? null,
    };
  });

  it("has the bytes of the vector, and is read back from them", () => {
    expect(encodeBatch(batch).toString("hex")).to.equal(value_hex);
    expect(decodeBatch(first_index, value)).to.deep.equal(batch);
  });

  it("is refused when it is cut anywhere, when bytes follow, and when it is of another version", () => {
    for (let length = 3; length < value.length; length++) {
      const cut = () => decodeBatch(0, value.subarray(0, length));
      expect(cut, `${length} bytes`).to.throw("ends in the middle of an entry");
    }
    expect(() => decodeBatch(0, value.subarray(0, 2))).to.throw("version");
    expect(() => decodeBatch(0, Buffer.concat([value, Buffer.alloc(1)]))).to.throw("after its last entry");
    expect(() => decodeBatch(0, Buffer.concat([Buffer.from([2]), value.subarray(1)]))).to.throw("version");
    expect(() => decodeBatch(0, Buffer.from([1, 0, 0]))).to.throw("0 entries");
  });
});
