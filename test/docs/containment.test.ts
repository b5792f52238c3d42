import { readFileSync } from "node:fs";
import { expect } from "chai";
import { leaseGrace } from "../../src/core/lease.js";

describe("docs/containment.md", () => {
  it("says when leases are lost, and how often a client beats", () => {
    const page = readFileSync("docs/containment.md", "utf8");
    const rows = [...page.matchAll(/^\| (\d+) \| ([\d.]+) s \| ([\d.]+) s \|$/gm)];
    expect(rows.map(([, lease_seconds]) => lease_seconds)).to.deep.equal(["2", "10", "30", "300"]);
    for (const [, lease, lost, beat] of rows) {
      const lease_seconds = Number(lease);
      expect(Number(lost)).to.equal(lease_seconds + leaseGrace(lease_seconds) / 1000);
      expect(Number(beat)).to.be.closeTo(lease_seconds / 3, 0.05);
    }
  });
});
