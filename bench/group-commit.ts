/**
 * What a group commit is worth: durable intercepts a second with one caller and with many, in
 * process, over LevelDB with `sync: true`, every entry signed.
 *
 * Run by `npm run bench:group-commit [-- ROUNDS CALLERS…]`. The numbers of callers take turns, a
 * second each, so that what else the machine does hits them alike; a line tells the median of each
 * and how much it is of the first. Nobody asserts a time: test/engine counts appends instead.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Engine } from "../src/engine/engine.js";
import { openLevel } from "../src/vault/level.js";
import { openVault } from "../src/vault/start.js";
import { counted, intercepts, median, type Round } from "./load.js";

const [rounds = 5, ...asked] = process.argv.slice(2).map(Number);
const counts = asked.length > 0 ? asked : [1, 64];
const directory = await mkdtemp(join(tmpdir(), "killcord-bench-"));
try {
  await measure();
} finally {
  await rm(directory, { recursive: true });
}

async function measure(): Promise<void> {
  const store = openLevel(join(directory, "store"));
  const appends = { count: 0 };
  const journal = counted(store.journal, appends);
  const random = randomBytes;
  const vault = await openVault({ directory, journal, heartbeat_seconds: 60, now: Date.now, random });
  const engine = await Engine.open({
    log: vault,
    rows: store.derived("projection"),
    heartbeat_seconds: 60,
    onFatal: (error) => {
      throw error;
    },
  });
  const results = new Map<number, Round[]>(counts.map((count) => [count, []]));
  // One round more than is told: the first is for the compiler.
  for (let round = 0; round <= rounds; round++) {
    for (const [count, told] of results) {
      const measured = await intercepts(engine, count, appends);
      if (round > 0) {
        told.push(measured);
      }
    }
  }
  await engine.stop();
  await vault.close();
  report(results);
}

function report(results: ReadonlyMap<number, readonly Round[]>): void {
  const first = median([...results.values()][0]?.map(({ per_second }) => per_second) ?? []);
  for (const [count, told] of results) {
    const per_second = median(told.map((round) => round.per_second));
    const entries_per_append = median(told.map((round) => round.entries_per_append));
    const cells = [
      `${count} ${count === 1 ? "caller" : "callers"}`.padEnd(12),
      `${per_second.toFixed(0).padStart(7)} intercepts/s`,
      `${entries_per_append.toFixed(1).padStart(6)} entries/append`,
      `${(per_second / first).toFixed(1).padStart(6)} x`,
    ];
    console.log(cells.join("  "));
  }
}
