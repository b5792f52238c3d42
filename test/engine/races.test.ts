/**
 * Starts that race stops: sub-sessions that are opened while their parents stop, sessions of a scope that is
 * being halted, in whatever turns of the event loop they come, and with a crash anywhere. By a reading of the
 * log of its own: what a halt found or let in is stopped for ever, and nothing starts under one in force.
 */
import { expect } from "chai";
import fc from "fast-check";
import type { Unstamped } from "../../src/core/command.js";
import type { Event } from "../../src/core/event.js";
import { MemoryJournal } from "../journal/memory.js";
import { UnsyncedJournal } from "../journal/unsynced.js";
import { end, halt, intercept, kill, lift, revokeAgent, start } from "./asked.js";
import { newPlace, type Place, type Running } from "./place.js";

type Act =
  | { readonly do: "start"; readonly agent: number; readonly label: number; readonly under: number | null }
  | { readonly do: "kill" | "end" | "intercept"; readonly session: number }
  | { readonly do: "halt"; readonly kind: "session" | "agent" | "label" | "workspace"; readonly of: number }
  | { readonly do: "lift"; readonly halt: number }
  | { readonly do: "revoke agent"; readonly agent: number }
  /** The next acts come in a later turn of the event loop; or when all before is answered. */
  | { readonly do: "turn" | "wait" };

const some = fc.nat({ max: 11 });
const few = fc.nat({ max: 2 });
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant("start" as const),
      agent: few,
      label: few,
      under: fc.option(some, { freq: 2 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom("kill" as const, "end" as const, "intercept" as const),
      session: some,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("halt" as const),
      kind: fc.constantFrom("session" as const, "agent" as const, "label" as const, "workspace" as const),
      of: some,
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("lift" as const), halt: few }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("revoke agent" as const), agent: few }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom("turn" as const, "wait" as const) }) },
);

describe("a start that races a stop", () => {
  let place: Place;
  before(async () => {
    place = await newPlace();
    await place.start();
  });
  after(() => place.remove());

  it("is refused, or stopped: it is never live afterwards, also after a crash in between", async () => {
    const counts = { started: 0, refused: 0, cut: 0 };
    const script = fc.array(act, { minLength: 10, maxLength: 60 });
    const property = fc.asyncProperty(
      script,
      fc.double({ min: 0, max: 1, noNaN: true }),
      async (acts, cut) => {
        await place.begin();
        const running = await place.start({ journal: new UnsyncedJournal(place.disk) });
        await play(running, acts, counts);
        const log = await running.events();
        judge(log, liveIn(running));
        // The process ends when so much of it is durable: mostly within what an order has sealed.
        const orders = log.flatMap(({ event }, at) =>
          event === "halt_requested" || event === "agent_revoked" ? [at] : [],
        );
        const within = orders[Math.floor(cut * 2 * orders.length)];
        const kept = 1 + (within ?? Math.floor(cut * (log.length - 1)));
        counts.cut += within === undefined ? 0 : 1;
        await place.crashedWith(place.disk.entries.slice(0, kept));
        const again = await place.start({ journal: new MemoryJournal(place.disk) });
        await again.settle();
        judge(await again.events(), liveIn(again));
        await again.engine.stop();
      },
    );
    await fc.assert(property, { numRuns: 50 });
    expect(counts.started).to.be.above(120);
    expect(counts.refused).to.be.above(40);
    expect(counts.cut).to.be.above(3);
  }).timeout(180_000);
});

async function play(
  { engine, admin }: Running,
  acts: readonly Act[],
  counts: { started: number; refused: number },
): Promise<void> {
  const waiting: Promise<unknown>[] = [];
  const halts: string[] = [];
  let sessions = 0;
  const named = (number: number) => `s${number % Math.max(1, sessions)}`;
  const submit = (command: Unstamped) => {
    const outcome = engine.submit(command);
    waiting.push(outcome);
    return outcome;
  };
  for (const one of acts) {
    switch (one.do) {
      case "start": {
        const parent_session_id = one.under === null ? null : named(one.under);
        const more = { agent_id: `a${one.agent}`, label: `l${one.label}`, parent_session_id };
        const started = submit(start(admin, `s${sessions}`, more));
        sessions += 1;
        void started.then(({ reply }) => {
          counts[reply.type === "refused" ? "refused" : "started"] += 1;
        });
        break;
      }
      case "halt": {
        const id = {
          session: named(one.of),
          agent: `a${one.of % 3}`,
          label: `l${one.of % 3}`,
          workspace: "",
        }[one.kind];
        const workspace = engine.state.workspace_id;
        const scope = { kind: one.kind, id: one.kind === "workspace" ? workspace : id };
        void submit(halt(admin, scope)).then(({ events }) => {
          const [first] = events;
          if (first?.event === "halt_requested") {
            halts.push(first.halt_id);
          }
        });
        break;
      }
      case "lift": {
        const halt_id = halts[one.halt % Math.max(1, halts.length)];
        if (halt_id !== undefined) {
          submit(lift(admin, halt_id));
        }
        break;
      }
      case "kill":
        submit(kill(admin, named(one.session)));
        break;
      case "end":
        submit(end(admin, named(one.session)));
        break;
      case "intercept":
        submit(intercept(admin, named(one.session)));
        break;
      case "revoke agent":
        submit(revokeAgent(admin, `a${one.agent}`));
        break;
      case "turn":
        await new Promise((resolve) => setImmediate(resolve));
        break;
      case "wait":
        await Promise.all(waiting);
    }
  }
  await Promise.all(waiting);
}

function liveIn({ engine }: Running): readonly string[] {
  return [...engine.state.sessions.values()].filter(({ stop }) => stop === null).map((one) => one.session_id);
}

interface Life {
  readonly start: number;
  readonly on: readonly string[];
  readonly parent: string | null;
  stopped: number | null;
}

/** Holds the log, and who is live at its end, against what stops are to do. */
function judge(log: readonly Event[], live: readonly string[]): void {
  const lives = new Map<string, Life>();
  /** Scopes by the halts that are in force. */
  const in_force = new Map<string, string>();
  /** Index of the last order against each scope. */
  const ordered = new Map<string, number>();
  for (const [sequence, event] of log.entries()) {
    switch (event.event) {
      case "session_started": {
        const { session_id, agent_id, labels, parent_session_id } = event;
        const own = [
          `session ${session_id}`,
          `agent ${agent_id}`,
          ...labels.map((label) => `label ${label}`),
        ];
        const above = lives.get(parent_session_id ?? "")?.on ?? ["workspace"];
        const parent = lives.get(parent_session_id ?? "");
        expect(parent?.stopped ?? null, `${session_id} starts under a parent that has stopped`).to.equal(
          null,
        );
        const on = [...above, ...own];
        const halted = [...in_force.values()].filter((scope) => on.includes(scope));
        expect(halted, `${session_id} starts at ${sequence}`).to.deep.equal([]);
        lives.set(session_id, { start: sequence, on, parent: parent_session_id, stopped: null });
        break;
      }
      case "session_killed":
      case "session_ended":
      case "session_expired":
        (lives.get(event.session_id) as Life).stopped ??= sequence;
        break;
      case "halt_requested": {
        const { kind, id } = event.scope;
        const scope = kind === "workspace" ? kind : `${kind} ${id}`;
        in_force.set(event.halt_id, scope);
        ordered.set(scope, sequence);
        break;
      }
      case "halt_lifted":
        in_force.delete(event.halt_id);
        break;
      case "agent_revoked":
        ordered.set(`agent ${event.agent_id}`, sequence);
        break;
      case "enforcement_decision": {
        const life = lives.get(event.session_id ?? "");
        const order_at = Math.max(-1, ...(life?.on ?? []).map((scope) => ordered.get(scope) ?? -1));
        if (life !== undefined && (life.stopped !== null || order_at > life.start)) {
          expect(event.decision, `an action at ${sequence}`).to.equal("terminate");
        }
        break;
      }
      default:
    }
  }
  for (const [session_id, { start: from, on, parent, stopped }] of lives) {
    const order_at = Math.max(-1, ...on.map((scope) => ordered.get(scope) ?? -1));
    const is_ordered = order_at > from || (parent !== null && lives.get(parent)?.stopped !== null);
    expect(stopped !== null || !is_ordered, `${session_id} lives after the order at ${order_at}`).to.equal(
      true,
    );
    expect(live.includes(session_id), `${session_id} is live`).to.equal(stopped === null);
  }
}
