import { expect } from "chai";
import fc from "fast-check";
import { MemoryLevel } from "memory-level";
import type { Actor } from "../../src/core/actor.js";
import { system_actor } from "../../src/core/actor.js";
import type { Event } from "../../src/core/event.js";
import type { RowStore } from "../../src/engine/derived.js";
import type { Figures, Owner } from "../../src/engine/figures.js";
import { createKey, end, intercept, kill, start } from "./asked.js";
import { newPlace, type Place, type Running } from "./place.js";

const minute_ms = 60_000;
const agents = ["a1", "a2"] as const;

/** What is done, and what time passes after it: within a minute, an hour, or days. */
const step = fc.record({
  act: fc.constantFrom("start", "intercept", "intercept", "intercept", "kill", "end", "none"),
  by: fc.nat(1),
  latency_us: fc.nat(5000),
  wait_ms: fc.oneof(fc.nat(20_000), fc.nat(90 * minute_ms)),
  restart: fc.option(fc.record({ stopped: fc.boolean(), down_ms: fc.nat(3 * 24 * 60 * minute_ms) }), {
    freq: 5,
  }),
});

describe("figures", () => {
  let place: Place;
  before(async () => {
    place = await newPlace();
    await place.start();
  });
  after(() => place.remove());

  it("are those of the log since the minute asked for, also after stops and crashes", async () => {
    const property = fc.asyncProperty(fc.array(step, { maxLength: 15 }), fc.nat(1), async (steps, lag) => {
      await place.begin();
      let running = await place.start();
      const keys = await twoKeys(running);
      let sessions: string[] = [];
      for (const [i, { act, by, latency_us, wait_ms, restart }] of steps.entries()) {
        const actor = keys[by] as Actor;
        const session_id = sessions.at(-1) ?? "none";
        switch (act) {
          case "start":
            await running.engine.submit(
              start(actor, `s${i}`, { agent_id: agents[by] ?? null, max_actions: 2 }),
            );
            sessions = [...sessions, `s${i}`];
            break;
          case "intercept":
            await running.engine.submit(
              intercept(actor, session_id === "none" ? null : session_id, { latency_us }),
            );
            break;
          case "kill":
            await running.engine.submit(kill(keys[0] as Actor, session_id));
            break;
          case "end":
            await running.engine.submit(end(keys[0] as Actor, session_id));
            break;
          case "none":
        }
        place.time.pass(wait_ms);
        await running.settle();
        if (restart !== null) {
          if (restart.stopped) {
            await running.engine.stop();
          } else if (lag === 1) {
            // Rows up to here are there; what comes after may not be.
            await running.engine.projection.settle();
          }
          // What a process that is gone had in mind is never written.
          place.rows = await copyOf(place.rows);
          place.time.restart(restart.down_ms);
          running = await place.start();
        }
      }
      await agree(running, keys);
    });
    await fc.assert(property, { numRuns: 15 });
  }).timeout(60_000);
});

async function copyOf(rows: RowStore): Promise<RowStore> {
  const copy: RowStore = new MemoryLevel<string, string>();
  for await (const [key, value] of rows.iterator()) {
    await copy.put(key, value);
  }
  return copy;
}

async function twoKeys(running: Running): Promise<readonly Actor[]> {
  await running.engine.submit(createKey(["agent"], system_actor));
  const [, second] = running.engine.state.keys.keys();
  return [running.admin, { key_id: second ?? null, role: "admin" }];
}

/** Compares with a count over the whole log, for every owner and for times in and around each entry. */
async function agree(running: Running, keys: readonly Actor[]): Promise<void> {
  const events = await running.events();
  const owners: Owner[] = [
    { kind: "all" },
    ...agents.map((agent_id) => ({ kind: "agent", agent_id }) as const),
    ...keys.map(({ key_id }) => ({ kind: "key", key_id: key_id ?? "" }) as const),
  ];
  const sealed = events
    .filter(({ event }) => event !== "heartbeat")
    .flatMap(({ at }) => [at, at + minute_ms]);
  // One time of each minute.
  const times = new Map([0, ...sealed].map((at) => [Math.floor(at / minute_ms), at]));
  for (const owner of owners) {
    for (const at of times.values()) {
      const found = await running.engine.projection.figures.since(at, [owner]);
      expect(found, `${JSON.stringify(owner)} since ${at}`).to.deep.equal(counted(events, at, owner));
    }
  }
}

function counted(events: readonly Event[], at: number, owner: Owner): Figures {
  const starters = new Map<string, string | null>();
  const sum = {
    allow: 0,
    block: 0,
    escalate: 0,
    terminate: 0,
    latency_us: 0,
    killed: 0,
    expired: 0,
    ended: 0,
  };
  for (const event of events) {
    if (event.event === "session_started") {
      starters.set(event.session_id, event.actor.key_id);
    }
    if (event.at < Math.floor(at / minute_ms) * minute_ms) {
      continue;
    }
    if (event.event === "enforcement_decision" && isOf(owner, event.agent_id, event.actor.key_id)) {
      sum[event.decision] += 1;
      sum.latency_us += event.latency_us;
    }
    const stops = { session_killed: "killed", session_expired: "expired", session_ended: "ended" } as const;
    if (event.event in stops && "session_id" in event && "agent_id" in event) {
      const starter = starters.get(event.session_id ?? "") ?? null;
      sum[stops[event.event as keyof typeof stops]] += isOf(owner, event.agent_id, starter) ? 1 : 0;
    }
  }
  return sum;
}

function isOf(owner: Owner, agent_id: string | null, key_id: string | null): boolean {
  switch (owner.kind) {
    case "all":
      return true;
    case "agent":
      return owner.agent_id === agent_id;
    case "key":
      return owner.key_id === key_id;
  }
}
