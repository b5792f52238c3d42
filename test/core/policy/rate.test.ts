import { expect } from "chai";
import fc from "fast-check";
import { limits } from "../../../src/limits.js";
import { Remembering } from "./remembering.js";

const rate = (conditions: object, rest: object = {}) =>
  ({ policy_type: "rate", conditions, ...rest }) as never;

describe("a rate policy", () => {
  it("lets the first N within any window pass, and counts the action that it judges", () => {
    const policies = new Remembering();
    policies.set(rate({ by: "session", count: 2, window_seconds: 10 }));
    const allowed = [0, 1, 9_999, 10_000, 10_001, 19_998, 19_999].map((at) => policies.act({ at }).allowed);
    // 9,999 is refused and counts: so 10,000 finds 1 and 9,999 in its window.
    expect(allowed).to.deep.equal([true, true, false, false, false, false, false]);
    expect(policies.act({ at: 60_000 }).allowed).to.equal(true);
  });

  it("with counts: allowed, what is refused uses nothing up", () => {
    const policies = new Remembering();
    policies.set(rate({ by: "session", count: 2, window_seconds: 10, counts: "allowed" }));
    const allowed = [0, 1, 9_999, 10_000, 10_001, 10_002].map((at) => policies.act({ at }).allowed);
    expect(allowed).to.deep.equal([true, true, false, true, true, false]);
  });

  it("counts by what it says, only the types it is about, and forgets sessions that stop", () => {
    const policies = new Remembering();
    policies.set(
      rate({ by: "session", count: 1, window_seconds: 60 }, { action_types: ["pay_*"] }),
      "a".repeat(32),
    );
    policies.set(rate({ by: "label", count: 3, window_seconds: 60 }), "b".repeat(32));
    const act = (session_id: string, label: string, action_type: string) =>
      policies.act({ at: 1, session_id, label, action_type }).allowed;
    expect(act("s1", "x", "pay_bill")).to.equal(true);
    expect(act("s1", "x", "read")).to.equal(true);
    expect(act("s2", "x", "pay_bill")).to.equal(true);
    expect(act("s2", "x", "read")).to.equal(false);
    expect(act("s2", "y", "pay_bill")).to.equal(false);
    policies.stop("s2");
    expect([...(policies.counters.by_policy.get("a".repeat(32))?.keys.keys() ?? [])]).to.deep.equal(["s1"]);
    policies.delete("a".repeat(32));
    policies.delete("b".repeat(32));
    expect({ ...policies.counters }).to.deep.equal({
      by_policy: new Map(),
      holds: new Map(),
      keys: 0,
      numbers: 0,
    });
  });

  it("leaving out the session, the agent or the label is no way round", () => {
    for (const by of ["session", "agent", "label", "workspace"]) {
      const policies = new Remembering();
      policies.set(rate({ by, count: 1, window_seconds: 60 }));
      const nobody = { session_id: null, agent_id: null, label: null };
      expect(policies.act({ at: 0, ...nobody }).allowed, by).to.equal(true);
      expect(policies.act({ at: 1, ...nobody }).allowed, by).to.equal(false);
    }
  });

  it("a new version that counts the same goes on, another begins anew, and so does one switched on again", () => {
    const policies = new Remembering();
    const all = { by: "session", window_seconds: 60 };
    policies.set(rate({ ...all, count: 5 }));
    policies.act({ at: 0 });
    policies.act({ at: 1 });
    policies.set(rate({ ...all, count: 2 }));
    expect(policies.act({ at: 2 }).allowed).to.equal(false);
    policies.set(rate({ ...all, count: 2 }, { enabled: false }));
    policies.set(rate({ ...all, count: 2 }));
    expect(policies.act({ at: 3 }).allowed).to.equal(true);
    policies.set(rate({ ...all, count: 1, by: "agent" }));
    expect(policies.act({ at: 4 }).allowed).to.equal(true);
  });

  it("is the dumb model's, whatever comes when", () => {
    const times = fc.array(fc.tuple(fc.integer({ min: 0, max: 400 }), fc.constantFrom("s1", "s2")), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(
        times,
        fc.integer({ min: 1, max: 6 }),
        fc.constantFrom("asked", "allowed"),
        (gaps, count, counts) => {
          const policies = new Remembering();
          policies.set(rate({ by: "session", count, window_seconds: 1, counts }));
          const counted: [string, number][] = [];
          let at = 0;
          for (const [gap, session_id] of gaps) {
            at += gap;
            const marks = counted.filter(([session, then]) => session === session_id && then > at - 1_000);
            const foretold = marks.length + 1 <= count;
            expect(policies.act({ at, session_id }).allowed).to.equal(foretold);
            if (counts === "asked" || foretold) {
              counted.push([session_id, at]);
            }
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it("of a large count it is never late, and early by a small part of the window at most", () => {
    const count = limits.marks_exact + 44;
    const slack = Math.ceil(100_000 / limits.marks_exact);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 500 }), { minLength: 800, maxLength: 800 }), (gaps) => {
        const policies = new Remembering();
        policies.set(rate({ by: "workspace", count, window_seconds: 100 }));
        const asked: number[] = [];
        let at = 0;
        for (const gap of gaps) {
          at += gap;
          const within = (ms: number) => asked.filter((then) => then > at - ms).length + 1 > count;
          const { allowed } = policies.act({ at });
          if (within(100_000)) {
            expect(allowed).to.equal(false);
          } else if (!within(100_000 + slack)) {
            expect(allowed).to.equal(true);
          }
          asked.push(at);
        }
        const kept = policies.counters.by_policy.get("0".repeat(32))?.keys.get("");
        expect(kept?.numbers.length).to.be.at.most(2 * limits.marks_exact + 4);
      }),
      { numRuns: 20 },
    );
  });

  it("a million labels take bounded room, refuse beyond it, and are let go once out of the window", function () {
    this.timeout(60_000);
    const policies = new Remembering();
    policies.set(rate({ by: "label", count: 5, window_seconds: 1_000 }));
    let refused = 0;
    for (let i = 0; i < 1_000_000; i++) {
      const { allowed } = policies.act({ at: i / 10, label: `label ${i}` });
      refused += allowed ? 0 : 1;
    }
    // All came within the window of the first ten thousand seconds' worth: so many found no room.
    expect(policies.counters.keys).to.be.at.most(limits.counted_keys_of_policy);
    expect(refused).to.equal(1_000_000 - limits.counted_keys_of_policy);
    expect(policies.counters.numbers).to.equal(2 * policies.counters.keys);
    expect(policies.act({ at: 2_000_000, label: "another" }).allowed).to.equal(true);
    expect(policies.act({ at: 2_000_001, label: "yet another" }).allowed).to.equal(true);
  });

  it("without room for more numbers it counts no less", () => {
    const policies = new Remembering();
    const policy_id = policies.set(rate({ by: "label", count: 200, window_seconds: 1_000 }));
    let at = 0;
    // 200 marks each of two numbers: many labels at a time use the room up.
    for (let label = 0; label < 3_000; label++) {
      for (let i = 0; i < 200; i++) {
        policies.act({ at: at++ / 1000, label: `label ${label}` });
      }
    }
    const counter = policies.counters.by_policy.get(policy_id);
    expect(counter?.numbers).to.be.at.most(limits.counted_numbers_of_policy + 2 * 3_000);
    expect(policies.act({ at, label: "label 2999" }).allowed).to.equal(false);
    expect(policies.act({ at, label: "label 0" }).allowed).to.equal(false);
  });
});
