/**
 * What a group commit is worth: durable intercepts a second with one caller and with many, in
 * process, over LevelDB with `sync: true`, every entry signed.
 *
 * Run by `npm run bench:group-commit [-- SECONDS [CALLERS…]]`; prints a line for each number of
 * callers, and how much each is of the first.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { system_actor } from "../src/core/event.js";
import { Engine } from "../src/engine/engine.js";
import { makeDetails } from "../src/vault/details.js";
import { openLevel } from "../src/vault/level.js";
import { openVault } from "../src/vault/start.js";

const [seconds = 3, ...asked] = process.argv.slice(2).map(Number);
const callers = asked.length > 0 ? asked : [1, 64];

const directory = await mkdtemp(join(tmpdir(), "killcord-bench-"));
try {
  await measureAll();
} finally {
  await rm(directory, { recursive: true });
}

async function measureAll(): Promise<void> {
  const store = openLevel(join(directory, "store"));
  const journal = store.journal;
  let appends = 0;
  const counted = {
    open: () => journal.open(),
    read: journal.read.bind(journal),
    close: () => journal.close(),
    append: (...args: Parameters<typeof journal.append>) => {
      appends += 1;
      return journal.append(...args);
    },
  };
  const vault = await openVault({
    directory,
    journal: counted,
    heartbeat_seconds: 60,
    now: Date.now,
    random: randomBytes,
  });
  const engine = await Engine.open({
    log: vault,
    rows: store.derived("projection"),
    heartbeat_seconds: 60,
    onFatal: (error) => {
      throw error;
    },
  });
  const results: { readonly callers: number; readonly per_second: number }[] = [];
  for (const count of callers) {
    // Twice: the first round is for the compiler.
    await intercepts(engine, count, 0.5);
    appends = 0;
    const { total, per_second } = await intercepts(engine, count, seconds);
    results.push({ callers: count, per_second });
    const ratio = per_second / (results[0]?.per_second ?? per_second);
    console.log(
      [
        `${String(count).padStart(5)} callers`,
        `${per_second.toFixed(0).padStart(7)} intercepts/s`,
        `${(total / appends).toFixed(1).padStart(6)} entries/append`,
        `${ratio.toFixed(1).padStart(6)} x`,
      ].join("  "),
    );
  }
  await engine.stop();
  await vault.close();
}

async function intercepts(engine: Engine, count: number, duration_seconds: number) {
  const sessions = await Promise.all(Array.from({ length: count }, () => start(engine)));
  const began = performance.now();
  const until = began + duration_seconds * 1000;
  let total = 0;
  await Promise.all(
    sessions.map(async (session_id) => {
      while (performance.now() < until) {
        await intercept(engine, session_id);
        total += 1;
      }
    }),
  );
  return { total, per_second: (total * 1000) / (performance.now() - began) };
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
  const salt = randomBytes(16).toString("hex");
  const made = makeDetails({ salt, metadata: null, action_content: "transfer 100 to account 42" });
  await engine.submit(
    {
      type: "intercept",
      actor: system_actor,
      request_id: `req_${salt}`,
      session_id,
      agent_id: null,
      action_type: "transfer_funds",
      chain: null,
      action_digest: made.action_digest,
      action_length: made.action_length,
      details_digest: made.details_digest,
      latency_us: 0,
      repeat: null,
    },
    { details: made.details, received_ms },
  );
}
