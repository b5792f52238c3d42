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
import { system_actor } from "../src/core/event.js";
import { Engine } from "../src/engine/engine.js";
import { newSalt } from "../src/engine/salt.js";
import { makeDetails } from "../src/vault/details.js";
import type { Journal } from "../src/vault/journal.js";
import { openLevel } from "../src/vault/level.js";
import { openVault } from "../src/vault/start.js";

const [rounds = 5, ...asked] = process.argv.slice(2).map(Number);
const counts = asked.length > 0 ? asked : [1, 64];
const round_ms = 1000;

interface Round {
  readonly per_second: number;
  readonly entries_per_append: number;
}

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

function counted(journal: Journal, appends: { count: number }): Journal {
  return {
    open: () => journal.open(),
    append: (expected, batch) => {
      appends.count += 1;
      return journal.append(expected, batch);
    },
    read: (from, limit) => journal.read(from, limit),
    close: () => journal.close(),
  };
}

/** Callers that each ask, wait for the answer and ask again. */
async function intercepts(engine: Engine, count: number, appends: { count: number }): Promise<Round> {
  const sessions = await Promise.all(Array.from({ length: count }, () => start(engine)));
  const before = appends.count;
  const began = performance.now();
  let total = 0;
  await Promise.all(
    sessions.map(async (session_id) => {
      while (performance.now() - began < round_ms) {
        await intercept(engine, session_id);
        total += 1;
      }
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  return { per_second: total / seconds, entries_per_append: total / (appends.count - before) };
}

async function start(engine: Engine): Promise<string> {
  const session_id = `sess_00${randomBytes(11).toString("hex")}`;
  await engine.submit({
    type: "start_session",
    actor: system_actor,
    request_id: null,
    session_id,
    agent_id: "bench",
    label: null,
    credential_id: null,
    parent_session_id: null,
    max_actions: 1_000_000_000,
    ttl_seconds: 3600,
    idle_timeout_seconds: null,
    repeat: null,
  });
  return session_id;
}

/** What the enforcement service makes of a request with a text. */
async function intercept(engine: Engine, session_id: string): Promise<void> {
  const received_ms = performance.now();
  const salt = newSalt();
  const action_content = "transfer 100 to account 42";
  const { details, ...digests } = makeDetails({ salt, metadata: null, action_content });
  await engine.submit(
    {
      type: "intercept",
      actor: system_actor,
      request_id: `req_${salt}`,
      session_id,
      agent_id: null,
      action_type: "transfer_funds",
      chain: null,
      latency_us: 0,
      repeat: null,
      ...digests,
    },
    { details, received_ms },
  );
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

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
