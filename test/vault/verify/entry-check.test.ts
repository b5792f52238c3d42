import { expect } from "chai";
import { node_crypto } from "../../../src/vault/node-crypto.js";
import {
  type ChainPlace,
  chain_start,
  checkEntry,
  type EntryContext,
  nextPlace,
} from "../../../src/vault/verify/entry-check.js";
import { vector } from "../../vectors.js";
import { keys, origin } from "./made.js";

const cases = vector<{
  readonly entries: readonly {
    readonly envelope: object;
    readonly content: object;
    readonly leaf: string;
    readonly details?: object;
  }[];
  readonly invalid: readonly {
    readonly name: string;
    readonly after: number;
    readonly entry: unknown;
    readonly code: string;
  }[];
}>("vault/entry.json");

const listed = [keys.entry_1, keys.entry_2].map(({ key_id, spki_base64 }) => ({
  key_id,
  first_sequence: 0,
  created_at: "2026-11-22T17:00:00.000Z",
  backend: "local" as const,
  root_key_id: keys.entry_root.key_id,
  certificate: "",
  spki: new Uint8Array(Buffer.from(spki_base64, "base64")),
  public_key: spki_base64,
}));
const context: EntryContext = {
  kind: "full",
  origin,
  keys: new Map(listed.map((key) => [key.key_id, key])),
  crypto: node_crypto,
};
const lines = cases.entries.map(({ envelope, content, details }) => ({
  ...envelope,
  content,
  ...(details === undefined ? {} : { details }),
}));

/** The place behind the first so many entries. */
function placeBehind(count: number): ChainPlace {
  return lines.slice(0, count).reduce<ChainPlace>((place, line) => nextPlace(line, place), chain_start);
}

describe("one entry", () => {
  it("stands rightly behind the one before it, and has the leaf of the vectors", () => {
    for (const [i, line] of lines.entries()) {
      expect(checkEntry(line, placeBehind(i), context)).to.include({ leaf: cases.entries[i]?.leaf });
    }
  });

  for (const { name, after, entry, code } of cases.invalid) {
    it(`is refused with ${code}: ${name}`, () => {
      const found = checkEntry(entry, placeBehind(after + 1), context);
      expect("code" in found ? found.code : "none").to.equal(code);
    });
  }

  it("is refused when it is no entry at all", () => {
    for (const value of [null, 5, "text", [], {}, [{}]]) {
      const found = checkEntry(value, chain_start, context);
      expect("code" in found ? found.code : "none").to.equal("entry.field");
    }
  });

  it("is refused above the last index that there can be", () => {
    const code = (sequence_number: number) => {
      const found = checkEntry({ ...lines[4], sequence_number }, placeBehind(4), context);
      return "code" in found ? found.code : "none";
    };
    expect(code(2 ** 48 - 1)).to.equal("chain.gap");
    expect(code(2 ** 48)).to.equal("entry.field");
  });

  it("is refused above the sizes of section 1, and below them judged by its hashes", () => {
    const code = (content: object) => {
      const found = checkEntry({ ...lines[4], content }, placeBehind(4), context);
      return "code" in found ? found.code : "none";
    };
    expect(code({ text: "x".repeat(49_141) })).to.equal("entry.content_hash");
    expect(code({ text: "x".repeat(49_142) })).to.equal("entry.field");
    let nested: object = {};
    for (let depth = 1; depth < 33; depth++) {
      nested = { nested };
    }
    expect(code(nested)).to.equal("entry.field");
  });
});
