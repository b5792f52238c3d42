import { expect } from "chai";
import { backoff } from "../../src/webhooks/backoff.js";

const bounds = { webhook_backoff_ms_min: 1000, webhook_backoff_ms_max: 300_000 };

describe("the backoff of a webhook", () => {
  it("doubles up to its bound, and takes half of it by chance", () => {
    const at = (failures: number, chance: number) => backoff(failures, chance, 0, bounds);
    expect([1, 2, 3, 9, 10, 1000].map((failures) => at(failures, 0))).to.deep.equal([
      500, 1000, 2000, 128_000, 150_000, 150_000,
    ]);
    expect(at(1, 0.5)).to.equal(750);
    expect(at(1000, 0.999)).to.be.below(300_000);
  });

  it("waits as long as the receiver asks, up to the bound", () => {
    expect(backoff(1, 0, 60_000, bounds)).to.equal(60_000);
    expect(backoff(1, 0, 86_400_000, bounds)).to.equal(300_000);
  });
});
