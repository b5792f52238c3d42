import { expect } from "chai";
import { carryOut } from "./campaign.js";
import { roundOf } from "./plan.js";

const rounds = 16;

describe("a campaign of cuts, drains and killed servers", () => {
  it(`loses no stop and invents none, in ${rounds} rounds; more of them by npm run no-lost-stop`, async () => {
    const seed = seedWithRestart(Date.now() % 2 ** 31);
    console.log(`      seed ${seed}`);
    const figures = await carryOut(seed, 0, rounds);
    // Weather there was, and what it could have lost.
    expect(figures.cuts).to.be.above(rounds);
    expect(figures.drains + figures.kills_of_the_server).to.be.above(0);
    expect(figures.stops).to.be.above(0);
    expect(figures.told).to.be.above(figures.stops);
  }).timeout(240_000);
});

/** The first seed from here on whose few rounds end a server. */
function seedWithRestart(from: number): number {
  const restarts = Array.from({ length: rounds }, (_, round) => roundOf(from, round)).flat();
  return restarts.some((step) => step.do === "restart") ? from : seedWithRestart(from + 1);
}
