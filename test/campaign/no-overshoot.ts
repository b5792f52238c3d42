/**
 * No budget is overshot, whatever the weather. Run by `npm run no-overshoot -- [--rounds N] [--clients N]
 * [--seed N]`; prints the figures, and ends at the first fault.
 */
import { parseArgs } from "node:util";
import { carryOut } from "./overshoot.js";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "50" },
    clients: { type: "string", default: "200" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
  },
});
console.log(`seed ${values.seed}`);
const began = performance.now();
const seconds = () => Math.round((performance.now() - began) / 1000);
const figures = await carryOut(Number(values.seed), Number(values.rounds), Number(values.clients), (round) =>
  console.log(`round ${round}, ${seconds()} s`),
);
for (const [name, figure] of Object.entries({ ...figures, seconds: seconds() })) {
  console.log(`${name.replaceAll("_", " ").padEnd(24)} ${String(figure).padStart(10)}`);
}
