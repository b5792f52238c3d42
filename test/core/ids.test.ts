import { expect } from "chai";
import fc from "fast-check";
import { idAt, sequenceOf } from "../../src/core/ids.js";
import { limits } from "../../src/limits.js";

const anyIndex = fc.integer({ min: 0, max: limits.sequence_max });

describe("ids", () => {
  it("lead back to the index that they were made from, over all 48 bits", () => {
    fc.assert(
      fc.property(anyIndex, (index) => {
        const id = idAt("enf", index);
        expect(id).to.match(/^enf_[0-9a-f]{12}$/);
        expect(sequenceOf("enf", id)).to.equal(index);
      }),
      { numRuns: 10_000, examples: [[0], [1], [0xffffff], [0x1000000], [limits.sequence_max]] },
    );
  });

  it("every one of 48 bits is made from one index", () => {
    fc.assert(
      fc.property(anyIndex, (bits) => {
        const id = `cred_${bits.toString(16).padStart(12, "0")}`;
        expect(idAt("cred", sequenceOf("cred", id) as number)).to.equal(id);
      }),
      { numRuns: 10_000 },
    );
  });

  it("do not collide", () => {
    const ids = new Set<string>();
    for (let index = 0; index < 100_000; index++) {
      ids.add(idAt("halt", index));
    }
    expect(ids.size).to.equal(100_000);
  });

  it("look scattered: neighbours share no more digits than chance gives", () => {
    let alike = 0;
    for (let index = 0; index < 10_000; index++) {
      const [a, b] = [idAt("key", index), idAt("key", index + 1)];
      alike += [...a].filter((digit, i) => i > 3 && digit === b[i]).length;
    }
    expect(alike / 10_000).to.be.within(0.5, 1);
  });

  it("of another kind, or mistyped, lead nowhere", () => {
    const id = idAt("enf", 7);
    const wrong = ["", "enf_", id.slice(0, -1), `${id}0`, id.toUpperCase(), id.replace("_", "-"), `${id}\n`];
    for (const each of wrong) {
      expect(sequenceOf("enf", each), each).to.equal(null);
    }
    expect(sequenceOf("halt", id)).to.equal(null);
  });
});
