/**
 * Every mutation that is tried. Run by `npm run mutations [-- SEED]`; prints the seed and the counts,
 * and fails at the first change that goes unnoticed.
 */
import { carryOut, told } from "./plan.js";

const seed = Number(process.argv[2] ?? Date.now() % 2 ** 31);
console.log(`seed ${seed}`);
console.log(told(carryOut({ seed, byte_step: 1, large_entries: 600, large_flips: 5000, entry_step: 1 })));
