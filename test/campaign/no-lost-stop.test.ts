import { expect } from "chai";
import { carryOut } from "./campaign.js";

describe("a campaign of cuts, drains and killed servers", () => {
  it("loses no stop and invents none, in 40 rounds; more of them by npm run no-lost-stop", async () => {
    const seed = Date.now() % 2 ** 31;
    console.log(`      seed ${seed}`);
    const figures = await carryOut(seed, 0, 40);
    // Weather there was, and what it could have lost.
    expect(figures.cuts).to.be.above(100);
    expect(figures.drains + figures.kills_of_the_server).to.be.above(0);
    expect(figures.stops).to.be.above(40);
    expect(figures.told).to.be.above(2 * figures.stops);
  }).timeout(240_000);
});
