/** Callers that ask an engine for actions, one after the other each, and how many it makes durable. */
import { randomBytes } from "node:crypto";
import { system_actor } from "../src/core/actor.js";
import type { Engine } from "../src/engine/engine.js";
import { newSalt } from "../src/engine/salt.js";
import { makeDetails } from "../src/vault/details.js";
import type { Journal } from "../src/vault/journal.js";

const round_ms = 1000;

export interface Round {
  readonly per_second: number;
  readonly entries_per_append: number;
}

/** A journal whose appends are counted. */
export function counted(journal: Journal, appends: { count: number }): Journal {
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
export async function intercepts(engine: Engine, count: number, appends: { count: number }): Promise<Round> {
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
    max_tokens: null,
    max_cost_usd_micros: null,
    on_exceeded: "terminate",
    max_depth: null,
    max_concurrent: null,
    warn_at_percent: [],
    lease_seconds: null,
    on_lease_lost: null,
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
      cost: null,
      estimate: null,
      content: action_content,
      metadata: null,
      latency_us: 0,
      repeat: null,
      ...digests,
    },
    { details, received_ms },
  );
}

/** Asks for so many actions, with so many callers, in sessions that come and go. */
export async function askTimes(engine: Engine, callers: number, actions: number): Promise<void> {
  let left = actions;
  const work = async () => {
    while (left > 0) {
      const session_id = await start(engine);
      for (let i = 0; i < 1000 && left > 0; i++) {
        left -= 1;
        await intercept(engine, session_id);
      }
    }
  };
  await Promise.all(Array.from({ length: callers }, work));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
