import { expect } from "chai";
import fc from "fast-check";
import { quarter_ms } from "../../../src/core/policy/calendar.js";
import { limits } from "../../../src/limits.js";
import { Remembering } from "./remembering.js";

const window = (conditions: object, rest: object = {}) =>
  ({ policy_type: "window", conditions, ...rest }) as never;
const tokens = (amount: number) => ({ tokens: amount, cost_usd_micros: 0 });
const usd = (micros: number) => ({ tokens: 0, cost_usd_micros: micros });

const noon = Date.parse("2026-11-28T12:00:00Z");
const hour_ms = 3_600_000;

describe("a window policy", () => {
  it("limits actions over all sessions of an agent, by the calendar", () => {
    const policies = new Remembering();
    policies.set(window({ by: "agent", period: "day", zone: "Europe/Berlin", max_actions: 3 }));
    const act = (at: number, session_id: string, agent_id = "a1") =>
      policies.act({ at, session_id, agent_id }).allowed;
    expect([act(noon, "s1"), act(noon, "s2"), act(noon, "s3"), act(noon, "s4")]).to.deep.equal([
      true,
      true,
      true,
      false,
    ]);
    expect(act(noon, "s5", "a2")).to.equal(true);
    // Midnight in Berlin is 23:00 UTC in November.
    expect(act(noon + 11 * hour_ms - 1, "s1")).to.equal(false);
    expect(act(noon + 11 * hour_ms, "s1")).to.equal(true);
  });

  it("what it refuses itself uses nothing up, so that a raised limit is not eaten by waiting", () => {
    const policies = new Remembering();
    policies.set(window({ by: "agent", period: "day", max_actions: 2 }));
    const act = () => policies.act({ at: noon }).allowed;
    expect([act(), act(), act(), act()]).to.deep.equal([true, true, false, false]);
    policies.set(window({ by: "agent", period: "day", max_actions: 4 }));
    expect([act(), act(), act()]).to.deep.equal([true, true, false]);
    // What others refuse is an action all the same, as it is for a session.
    policies.set(window({ by: "agent", period: "day", max_actions: 5 }));
    policies.act({ at: noon, otherwise: "block" });
    expect(act()).to.equal(false);
  });

  it("keeps counting when period, zone or limits change, and begins anew for another scope", () => {
    const policies = new Remembering();
    policies.set(window({ by: "agent", period: "hour", max_tokens: 100 }));
    policies.act({ at: noon - hour_ms, cost: tokens(60) });
    expect(policies.act({ at: noon, cost: tokens(60) }).allowed).to.equal(true);
    policies.set(window({ by: "agent", period: "day", zone: "Asia/Kathmandu", max_tokens: 100 }));
    expect(policies.act({ at: noon, cost: tokens(1) }).allowed).to.equal(false);
    policies.set(window({ by: "workspace", period: "day", max_tokens: 100 }));
    expect(policies.act({ at: noon, cost: tokens(100) }).allowed).to.equal(true);
  });

  it("an estimate is held, and what only holds the rest blocks whatever the policy would do", () => {
    const policies = new Remembering();
    const policy_id = policies.set(
      window({ by: "agent", period: "day", max_cost_usd: "1.00" }, { decision: "terminate" }),
    );
    const { decision_id } = policies.act({ at: noon, estimate: usd(700_000) });
    expect(policies.judge({ at: noon, cost: usd(300_001) }).get(policy_id)).to.include({ decision: "block" });
    expect(policies.judge({ at: noon, cost: usd(300_000) }).size).to.equal(0);
    expect(policies.judge({ at: noon, cost: usd(1_000_001) }).get(policy_id)).to.not.have.property(
      "decision",
    );
    policies.settle(decision_id, noon, 0, 100_000);
    expect(policies.judge({ at: noon, cost: usd(900_000) }).size).to.equal(0);
    expect(policies.judge({ at: noon, cost: usd(900_001) }).get(policy_id)?.reason).to.equal(
      '0.1 of 1 USD of agent "a1" this day (UTC) are spent, and it asks for 0.900001',
    );
    expect(policies.counters.holds.size).to.equal(0);
  });

  it("what is reported above the estimate is overrun: the next action finds it", () => {
    const policies = new Remembering();
    policies.set(window({ by: "agent", period: "day", max_tokens: 100 }));
    const { decision_id } = policies.act({ at: noon, estimate: tokens(50) });
    policies.settle(decision_id, noon, 150);
    expect(policies.act({ at: noon }).allowed).to.equal(false);
    expect(policies.act({ at: noon + 12 * hour_ms }).allowed).to.equal(true);
  });

  it("a reservation counts in the window in which it was made, also when it is settled after midnight", () => {
    const policies = new Remembering();
    policies.set(window({ by: "agent", period: "day", max_tokens: 100 }));
    const midnight = noon + 12 * hour_ms;
    const { decision_id } = policies.act({ at: midnight - 1, estimate: tokens(90) });
    expect(policies.act({ at: midnight, cost: tokens(100) }).allowed).to.equal(true);
    policies.settle(decision_id, midnight, 95);
    expect(policies.act({ at: midnight + 1, cost: tokens(1) }).allowed).to.equal(false);
    expect(policies.judge({ at: midnight - 1, cost: tokens(1) }).size).to.equal(1);
  });

  it("is about the agents and labels that it names, and the types of actions", () => {
    const policies = new Remembering();
    policies.set(
      window(
        { by: "label", value: "nightly *", period: "month", max_actions: 0 },
        { action_types: ["pay*"] },
      ),
    );
    expect(policies.act({ at: noon, label: "nightly run", action_type: "pay" }).allowed).to.equal(false);
    expect(policies.act({ at: noon, label: "nightly run", action_type: "read" }).allowed).to.equal(true);
    expect(policies.act({ at: noon, label: "daily run", action_type: "pay" }).allowed).to.equal(true);
    expect(policies.act({ at: noon, label: null, action_type: "pay" }).allowed).to.equal(true);
  });

  it("amounts up to 2^53-1 neither wrap nor round", () => {
    const most = Number.MAX_SAFE_INTEGER;
    const policies = new Remembering();
    policies.set(window({ by: "agent", period: "day", max_tokens: most }));
    expect(policies.act({ at: noon, cost: tokens(most - 1) }).allowed).to.equal(true);
    expect(policies.act({ at: noon, cost: tokens(2) }).allowed).to.equal(false);
    expect(policies.act({ at: noon, cost: tokens(1) }).allowed).to.equal(true);
    expect(policies.act({ at: noon, cost: tokens(1) }).allowed).to.equal(false);
    const { decision_id } = policies.act({ at: noon + quarter_ms, estimate: tokens(0) });
    policies.settle(decision_id, noon + quarter_ms, most);
    expect(policies.act({ at: noon + quarter_ms }).allowed).to.equal(false);
    expect(policies.act({ at: noon + 24 * hour_ms, cost: tokens(most) }).allowed).to.equal(true);
  });

  it("is the dumb model's: around midnight and changes of clocks, with settlements and restarts between", () => {
    fc.assert(fc.property(scenario, holdsAsModelled), { numRuns: 400 });
  });

  it("costs the same for each action however long the window is", () => {
    const policies = new Remembering();
    policies.set(window({ by: "workspace", period: "month", max_tokens: 10 ** 9 }));
    const from = Date.parse("2026-10-01T00:00:00Z");
    for (let at = from; at < from + 30 * 24 * hour_ms; at += quarter_ms) {
      policies.act({ at, cost: tokens(1) });
    }
    const at = from + 30 * 24 * hour_ms;
    policies.act({ at });
    const kept = policies.counters.by_policy.get("0".repeat(32))?.keys.get("");
    expect(kept?.numbers.length).to.equal(6 * (30 * 96 + 1));
    // Every read of a number is seen: the second action in a quarter reads its own cell alone.
    let reads = 0;
    const numbers = new Proxy(kept?.numbers as number[], {
      get: (target, name) => {
        reads += typeof name === "string" && /^\d+$/.test(name) ? 1 : 0;
        return Reflect.get(target, name);
      },
    });
    Object.assign(kept as object, { numbers });
    policies.judge({ at: at + 1 });
    reads = 0;
    policies.judge({ at: at + 2 });
    expect(reads).to.be.at.most(12);
  });

  it("a million labels take bounded room, and refuse beyond it", function () {
    this.timeout(60_000);
    const policies = new Remembering();
    policies.set(window({ by: "label", period: "day", max_actions: 5 }));
    let refused = 0;
    for (let i = 0; i < 1_000_000; i++) {
      refused += policies.act({ at: noon + i / 100, label: `label ${i}` }).allowed ? 0 : 1;
    }
    expect(policies.counters.keys).to.equal(limits.counted_keys_of_policy);
    expect(refused).to.equal(1_000_000 - limits.counted_keys_of_policy);
    expect(policies.act({ at: noon + 60 * hour_ms, label: "another" }).allowed).to.equal(true);
  });
});

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("act" as const),
      gap_ms: fc.oneof(
        fc.integer({ min: 0, max: 2_000 }),
        fc.integer({ min: 0, max: 40 * 60_000 }),
        fc.integer({ min: 0, max: 9 * hour_ms }),
      ),
      agent_id: fc.constantFrom("a1", "a2"),
      tokens: fc.integer({ min: 0, max: 40 }),
      holds: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("settle" as const),
      which: fc.nat({ max: 20 }),
      tokens: fc.integer({ min: 0, max: 60 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "restart" as const }) },
);

/** Each zone with a time shortly before its clocks change. */
const changes: readonly (readonly [string, string])[] = [
  ["Europe/Berlin", "2026-03-28T20:00:00Z"],
  ["Europe/Berlin", "2026-10-24T20:00:00Z"],
  ["America/New_York", "2026-10-31T23:00:00Z"],
  ["Africa/Cairo", "2026-04-23T18:00:00Z"],
  ["Australia/Lord_Howe", "2026-04-04T12:00:00Z"],
  ["Asia/Kathmandu", "2026-12-31T15:00:00Z"],
  ["UTC", "2028-02-28T22:00:00Z"],
];

const scenario = fc.record({
  change: fc.constantFrom(...changes),
  period: fc.constantFrom("hour", "day", "month"),
  limit: fc.integer({ min: 0, max: 120 }),
  steps: fc.array(step, { maxLength: 60 }),
});

/** What clocks show of a period: equal texts, the same window. */
function shown(zone: string, period: string, at: number): string {
  const format = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "short" });
  const offset = new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "longOffset" })
    .format(at)
    .split("GMT")[1];
  const text = format.format(at);
  return period === "month"
    ? text.slice(0, 7)
    : period === "day"
      ? text.slice(0, 10)
      : `${text.slice(0, 13)} ${offset}`;
}

interface Spent {
  readonly id: string;
  readonly at: number;
  readonly agent_id: string;
  spent: number;
  held: number;
}

function holdsAsModelled({
  change: [zone, from],
  period,
  limit,
  steps,
}: typeof scenario extends fc.Arbitrary<infer T> ? T : never): void {
  const policies = new Remembering();
  policies.set(window({ by: "agent", period, zone, max_tokens: limit }));
  const log: Spent[] = [];
  let at = Date.parse(from);
  for (const each of steps) {
    if (each.do === "restart") {
      policies.restart();
      continue;
    }
    if (each.do === "settle") {
      const open = log.filter(({ held }) => held > 0);
      const one = open[each.which % Math.max(1, open.length)];
      if (one !== undefined) {
        policies.settle(one.id, at, each.tokens);
        [one.spent, one.held] = [each.tokens, 0];
      }
      continue;
    }
    at += each.gap_ms;
    const now = shown(zone, period, at);
    const within = log.filter((one) => one.agent_id === each.agent_id && shown(zone, period, one.at) === now);
    const sum = (unit: "spent" | "held") => within.reduce((all, one) => all + one[unit], 0);
    const foretold =
      sum("spent") + each.tokens > limit
        ? "exceeded"
        : each.tokens > 0 && sum("spent") + sum("held") + each.tokens > limit
          ? "held"
          : "allowed";
    const ask = {
      at,
      agent_id: each.agent_id,
      ...(each.holds ? { estimate: tokens(each.tokens) } : { cost: tokens(each.tokens) }),
    };
    const [finding] = policies.judge(ask).values();
    expect(finding === undefined ? "allowed" : finding.decision === "block" ? "held" : "exceeded").to.equal(
      foretold,
    );
    const { decision_id, allowed } = policies.act(ask);
    expect(allowed).to.equal(foretold === "allowed");
    if (allowed) {
      const amount = each.tokens;
      log.push({
        id: decision_id,
        at,
        agent_id: each.agent_id,
        spent: each.holds ? 0 : amount,
        held: each.holds ? amount : 0,
      });
      // No allow ever passes the limit, but for what settlements have reported beyond it.
      const fits = sum("spent") + sum("held") + amount <= limit;
      expect(fits || amount === 0).to.equal(true);
    }
  }
}
