/**
 * How long a start takes over a log of so many entries: opening the vault, which hashes everything,
 * and the replay; beside the floor that quality asks about, parsing each entry and four hashes of it
 * on one thread.
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
  await made.close();
  const floor_ms = await timed(floor);
  const opened = await open();
  await opened.close();
  const size = opened.size;
  console.log(`${size} entries`);
  console.log(`floor: parse and four hashes   ${line(floor_ms, size)}`);
  console.log(
    `open the vault                 ${line(opened.vault_ms, size)}   ${(opened.vault_ms / floor_ms).toFixed(2)} x`,
  );
  console.log(
    `replay                         ${line(opened.engine_ms, size)}   ${(opened.engine_ms / floor_ms).toFixed(2)} x`,
  );
  const both_ms = opened.vault_ms + opened.engine_ms;
  console.log(`start                          ${line(both_ms, size)}   ${(both_ms / floor_ms).toFixed(2)} x`);
} finally {
  await rm(directory, { recursive: true });
}

async function open() {
  const store = openLevel(join(directory, "store"));
  const began = performance.now();
  const vault = await openVault({
    directory,
    journal: store.journal,
    heartbeat_seconds: 60,
    now: Date.now,
    random: randomBytes,
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

function line(ms: number, size: number): string {
  return `${(ms / 1000).toFixed(2).padStart(8)} s  ${((ms * 1000) / size).toFixed(1).padStart(6)} us/entry`;
}
