/**
 * Policies that remember, in the whole core: starts, actions, settlements, stops, changes of policies,
 * restarts, around midnight and changes of clocks. What they let pass is recounted from the log alone.
 */
import { expect } from "chai";
import fc from "fast-check";
import type { Actor } from "../../../src/core/actor.js";
import { system_actor } from "../../../src/core/actor.js";
import type { EnforcementDecision, Event } from "../../../src/core/event.js";
import { snapshotText, stateOf } from "../../../src/engine/snapshot.js";
import { intercept, start } from "../asking.js";
import { audit } from "../audit.js";
import { digest } from "../digest.js";
import { replay, Workspace } from "../workspace.js";

const zone = "Europe/Berlin";
const window_id = "a".repeat(32);
const rate_id = "b".repeat(32);
const sequence_id = "c".repeat(32);
const per_minute = 4;

/** Twenty minutes before the night in which Berlin's clocks go back. */
const began_at = Date.parse("2026-10-24T21:40:00Z");

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const amount = fc.integer({ min: 0, max: 60 });
const session = fc.constantFrom("s1", "s2", "s3", "s4");

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("act" as const),
      session: fc.option(session, { freq: 8 }),
      action_type: fc.constantFrom("read", "send", "think"),
      tokens: amount,
      way: fc.constantFrom("cost" as const, "estimate" as const, "estimate" as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("settle" as const), which: fc.nat(9), tokens: amount }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom("cancel" as const, "lapse" as const), which: fc.nat(9) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("start" as const), session, agent: fc.constantFrom("a1", "a2") }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom("kill" as const, "pause" as const, "resume" as const),
      session,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("limit" as const), tokens: fc.integer({ min: 60, max: 140 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("restart" as const), from: fc.constantFrom("log", "snapshot") }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      ms: fc.oneof(fc.integer({ min: 1, max: 40_000 }), fc.constantFrom(900_000, 3_600_000, 25 * 3_600_000)),
    }),
  },
);

class Run {
  readonly workspace = new Workspace();
  readonly #root: Actor;
  #limit = 100;
  /** The limit in force at each entry of the log. */
  readonly limits: number[] = [];

  constructor() {
    this.workspace.now = began_at;
    this.#root = this.workspace.bootstrap();
    this.#set(window_id, { by: "agent", period: "day", zone, max_tokens: this.#limit }, "window");
    this.#set(rate_id, { by: "session", count: per_minute, window_seconds: 60 }, "rate");
    this.#set(sequence_id, { steps: ["read", "send"], within_seconds: 120 }, "sequence");
    for (const [session_id, agent_id] of [
      ["s1", "a1"],
      ["s2", "a1"],
      ["s3", "a2"],
    ]) {
      // What its own budget has no room for is overrun, and counts in the window all the same.
      const max_tokens = session_id === "s1" ? 70 : null;
      this.workspace.submit(
        start(this.#root, session_id as string, { agent_id: agent_id as string, max_tokens }),
      );
    }
    this.#note();
  }

  take(each: Step): void {
    const { workspace } = this;
    switch (each.do) {
      case "wait":
        workspace.now += each.ms;
        break;
      case "restart":
        workspace.state =
          each.from === "log"
            ? replay(workspace.log)
            : (stateOf(snapshotText(workspace.state)) ?? expect.fail("written by these rules"));
        break;
      case "limit":
        this.#limit = each.tokens;
        this.#set(window_id, { by: "agent", period: "day", zone, max_tokens: each.tokens }, "window");
        break;
      case "start":
        if (!workspace.state.sessions.has(each.session)) {
          workspace.submit(
            start(this.#root, each.session, { agent_id: each.agent, idle_timeout_seconds: 10 ** 6 }),
          );
        }
        break;
      case "kill":
        workspace.submit({
          type: "kill_session",
          actor: this.#root,
          session_id: each.session,
          reason: "r",
          repeat: null,
        });
        break;
      case "pause":
      case "resume":
        workspace.submit({
          type: `${each.do}_session`,
          actor: this.#root,
          session_id: each.session,
          reason: "r",
        });
        break;
      case "act":
        workspace.submit(
          intercept(this.#root, each.session, {
            agent_id: each.session === null ? "a1" : null,
            action_type: each.action_type,
            [each.way]: { tokens: each.tokens, cost_usd_micros: 0 },
          }),
        );
        break;
      default:
        this.#end(each);
    }
    this.#note();
  }

  #end(each: Extract<Step, { do: "settle" | "cancel" | "lapse" }>): void {
    const open = [...this.workspace.state.reservations.keys()];
    const decision_id = open[each.which % Math.max(1, open.length)];
    if (decision_id === undefined) {
      return;
    }
    this.workspace.submit(
      each.do === "settle"
        ? {
            type: "settle",
            actor: this.#root,
            decision_id,
            reported: { tokens: each.tokens, cost_usd_micros: 0 },
          }
        : each.do === "cancel"
          ? { type: "cancel_reservation", actor: this.#root, decision_id }
          : { type: "lapse_reservation", actor: system_actor, decision_id },
    );
  }

  #set(policy_id: string, conditions: object, policy_type: string): void {
    this.workspace.submit({
      type: "change_policy",
      actor: this.#root,
      change: "deployed",
      policy_id,
      written: { name: policy_type, policy_type, decision: "block", conditions: conditions as never },
      source: "api",
      repeat: null,
    });
  }

  #note(): void {
    while (this.limits.length < this.workspace.log.length) {
      this.limits.push(this.#limit);
    }
  }
}

const day = (at: number) =>
  new Intl.DateTimeFormat("en-CA", { timeZone: zone, dateStyle: "short" }).format(at);
const isDecision = (event: Event): event is EnforcementDecision => event.event === "enforcement_decision";
const isBy = (event: EnforcementDecision, name: string) =>
  event.policies_triggered.some((each) => each.name === name);

/** Tokens that decisions of an agent's day had used and held before an entry, as the log tells. */
function usedBefore(
  log: readonly Event[],
  entry: number,
  agent_id: string | null,
): { used: number; held: number } {
  const now = day((log[entry] as Event).at);
  let used = 0;
  let held = 0;
  const open = new Map<string, number>();
  for (const event of log.slice(0, entry)) {
    if (isDecision(event) && event.agent_id === agent_id && day(event.at) === now) {
      used += event.charge?.tokens ?? 0;
      if (event.reservation !== null) {
        held += event.reservation.tokens;
        open.set(event.decision_id, event.reservation.tokens);
      }
    } else if (event.event === "reservation_settled" && open.has(event.decision_id)) {
      held -= open.get(event.decision_id) as number;
      used += (event.reported ?? event.spent).tokens;
    }
  }
  return { used, held };
}

const whenever = (holds: (run: Run) => void, numRuns: number) =>
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const run = new Run();
      for (const each of steps) {
        run.take(each);
      }
      holds(run);
    }),
    { numRuns },
  );

describe("policies that remember, under any interleaving", function () {
  this.timeout(60_000);

  it("a window is never overshot by an allow, and blocks only what does not fit", () => {
    whenever(({ workspace: { log }, limits }) => {
      for (const [i, event] of log.entries()) {
        if (!isDecision(event) || event.decision === "terminate") {
          continue;
        }
        const { used, held } = usedBefore(log, i, event.agent_id);
        const limit = limits[i] as number;
        const asked = (event.charge ?? event.reservation)?.tokens ?? 0;
        if (event.decision === "allow") {
          expect(
            used + asked <= limit && (asked === 0 || used + held + asked <= limit),
            `entry ${i}`,
          ).to.equal(true);
        } else if (isBy(event, "window")) {
          // The most that any action asks for, since the log does not say what a refused one did.
          expect(used + held + 60, `entry ${i}`).to.be.above(limit);
        }
      }
    }, 150);
  });

  it("a rate lets no more pass within its window than its count, and blocks nothing below", () => {
    whenever(({ workspace: { log } }) => {
      const asked = log
        .filter(isDecision)
        .filter((event) => event.decision !== "terminate" && !isPause(event));
      for (const [i, event] of asked.entries()) {
        const before = asked
          .slice(0, i)
          .filter((other) => isSame(other, event) && other.at > event.at - 60_000);
        expect(isBy(event, "rate"), `${event.decision_id}`).to.equal(before.length >= per_minute);
      }
    }, 150);
  });

  it("a restart from the log or from a snapshot comes to the same, and a verifier finds no fault", () => {
    whenever(({ workspace: { log, state } }) => {
      expect(digest(replay(log))).to.equal(digest(state));
      const restored = stateOf(snapshotText(state)) ?? expect.fail("written by these rules");
      expect(digest(restored)).to.equal(digest(state));
      expect(audit(log)).to.deep.equal([]);
    }, 100);
  });

  it("what is kept are counts of what lives: nothing of stopped sessions, no hold without a reservation", () => {
    whenever(({ workspace: { state } }) => {
      const { counters, sessions, reservations } = state;
      expect([...counters.holds.keys()].every((id) => reservations.has(id))).to.equal(true);
      let [keys, numbers] = [0, 0];
      for (const [policy_id, counter] of counters.by_policy) {
        keys += counter.keys.size;
        const kept = [...counter.keys.values()].reduce((sum, each) => sum + each.numbers.length, 0);
        expect(counter.numbers).to.equal(kept);
        numbers += kept;
        for (const key of policy_id === window_id ? [] : counter.keys.keys()) {
          expect(key.startsWith("without a session") || sessions.get(key)?.stop === null, key).to.equal(true);
        }
      }
      expect([counters.keys, counters.numbers]).to.deep.equal([keys, numbers]);
    }, 100);
  });
});

function isPause({ policies_triggered }: EnforcementDecision): boolean {
  return policies_triggered[0]?.policy_id === "__session_paused";
}

/** Whether a rate by session counts two actions together. */
function isSame(a: EnforcementDecision, b: EnforcementDecision): boolean {
  return a.session_id === b.session_id && (a.session_id !== null || a.agent_id === b.agent_id);
}
