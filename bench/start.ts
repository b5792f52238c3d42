/**
 * How long a start takes over a log of so many entries, with the snapshot that an orderly stop has
 * kept, and without one; beside the floor that nobody who checks a log can do without.
 *
 * Run by `npm run bench:start [-- ENTRIES]`.
 */
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Engine } from "../src/engine/engine.js";
import { openLevel } from "../src/vault/level.js";
import { openVault } from "../src/vault/start.js";
import { askTimes } from "./load.js";

const [entries = 100_000] = process.argv.slice(2).map(Number);
const directory = await mkdtemp(join(tmpdir(), "killcord-bench-"));
try {
  const made = await open();
  await askTimes(made.engine, 64, entries);
  // An orderly stop, which keeps a snapshot.
  await made.close();
  const floor_ms = await timed(floor);
  await measured("with its snapshot", floor_ms);
  await rm(join(directory, "snapshot"));
  await measured("without", floor_ms);
  console.log(`floor: parse and four hashes of each entry, one thread  ${(floor_ms / 1000).toFixed(2)} s`);
} finally {
  await rm(directory, { recursive: true });
}

async function measured(name: string, floor_ms: number): Promise<void> {
  const { vault_ms, engine_ms, size, close } = await open(Number.POSITIVE_INFINITY);
  await close();
  const both_ms = vault_ms + engine_ms;
  console.log(
    `${size} entries, ${name.padEnd(17)}  start ${(both_ms / 1000).toFixed(2).padStart(6)} s` +
      `  (vault ${(vault_ms / 1000).toFixed(2)}, replay ${(engine_ms / 1000).toFixed(2)})` +
      `  ${(both_ms / floor_ms).toFixed(2)} x the floor`,
  );
}

async function open(snapshot_entries?: number) {
  const store = openLevel(join(directory, "store"));
  const began = performance.now();
  const vault = await openVault({
    directory,
    journal: store.journal,
    heartbeat_seconds: 60,
    now: Date.now,
    random: randomBytes,
    snapshot_entries,
  });
  const vault_ms = performance.now() - began;
  let engine: Engine | null = null;
  const engine_ms = await timed(async () => {
    engine = await Engine.open({
      log: vault,
      rows: store.derived("projection"),
      heartbeat_seconds: 60,
      onFatal: (error) => {
        throw error;
      },
    });
  });
  const ready = engine as unknown as Engine;
  return {
    engine: ready,
    size: vault.head().size,
    vault_ms,
    engine_ms,
    close: async () => {
      await ready.stop();
      await vault.close();
    },
  };
}

/** What nobody who checks a log can do without. */
async function floor(): Promise<void> {
  const { journal } = openLevel(join(directory, "store"));
  const { size } = await journal.open();
  for await (const { leaf, content } of journal.read(0, size)) {
    JSON.parse(leaf);
    JSON.parse(content);
    for (const text of [content, leaf, leaf.slice(0, 200), leaf.slice(0, 64)]) {
      createHash("sha256").update(text).digest();
    }
  }
  await journal.close();
}

async function timed(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
