/**
 * What tiles and checkpoints cost: durable intercepts a second of two engines, one that publishes its
 * log and one that does not, in process, over LevelDB with `sync: true`.
 *
 * Run by `npm run bench:checkpoints [-- ROUNDS CALLERS]`. The two take turns, a second each, so that
 * what else the machine does hits both alike; the cost is the median of the rounds' own ratios.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Engine } from "../src/engine/engine.js";
import { limits } from "../src/limits.js";
import { openLevel } from "../src/vault/level.js";
import { openVault } from "../src/vault/start.js";
import { counted, intercepts, median } from "./load.js";

const [rounds = 9, callers = 64] = process.argv.slice(2).map(Number);
const top = await mkdtemp(join(tmpdir(), "killcord-bench-"));
try {
  const [without, beside] = [await open("without", false), await open("with", true)];
  const ratios: number[] = [];
  const rates: { readonly without: number[]; readonly beside: number[] } = { without: [], beside: [] };
  for (let round = 0; round <= rounds; round++) {
    const before = (await without.round()).per_second;
    const after = (await beside.round()).per_second;
    // The first is for the compiler.
    if (round > 0) {
      ratios.push(after / before);
      rates.without.push(before);
      rates.beside.push(after);
    }
    // What the round has left to be published is not the next one's.
    await pause(2 * limits.checkpoint_ms);
  }
  const size = beside.published();
  await without.close();
  await beside.close();
  console.log(`${callers} callers, ${rounds} rounds, ${size} entries published`);
  console.log(`without checkpoints  ${median(rates.without).toFixed(0).padStart(7)} intercepts/s`);
  console.log(`with checkpoints     ${median(rates.beside).toFixed(0).padStart(7)} intercepts/s`);
  console.log(`cost                 ${((1 - median(ratios)) * 100).toFixed(1).padStart(7)} %`);
} finally {
  await rm(top, { recursive: true });
}

async function open(name: string, publishes: boolean) {
  const directory = join(top, name);
  const store = openLevel(join(directory, "store"));
  const appends = { count: 0 };
  const journal = counted(store.journal, appends);
  const vault = await openVault({
    directory,
    journal,
    heartbeat_seconds: 60,
    now: Date.now,
    random: randomBytes,
  });
  if (!publishes) {
    vault.publish = () => {};
  }
  const engine = await Engine.open({
    log: vault,
    rows: store.derived("projection"),
    heartbeat_seconds: 60,
    onFatal: (error) => {
      throw error;
    },
  });
  return {
    round: () => intercepts(engine, callers, appends),
    published: () => vault.publication.published?.size ?? 0,
    close: async () => {
      await engine.stop();
      await vault.close();
    },
  };
}
