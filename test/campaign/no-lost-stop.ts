/**
 * No stop is lost, none is invented, whatever the weather. Run by `npm run no-lost-stop -- [--rounds N]
 * [--seed N] [--first ROUND]`; prints the figures, and ends at the first fault with the seed and the round.
 */
import { parseArgs } from "node:util";
import { carryOut } from "./campaign.js";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "2000" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
    first: { type: "string", default: "0" },
  },
});
const seed = Number(values.seed);
console.log(`seed ${seed}`);
const began = performance.now();
const figures = await carryOut(seed, Number(values.first), Number(values.rounds), (round) => {
  if (round % 20 === 19) {
    console.log(`round ${round}, ${Math.round((performance.now() - began) / 1000)} s`);
  }
});
for (const [name, figure] of Object.entries({
  ...figures,
  seconds: Math.round((performance.now() - began) / 1000),
})) {
  console.log(`${name.replaceAll("_", " ").padEnd(24)} ${String(figure).padStart(10)}`);
}
