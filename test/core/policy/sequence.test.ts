import { expect } from "chai";
import fc from "fast-check";
import { matches } from "../../../src/core/policy/glob.js";
import { limits } from "../../../src/limits.js";
import { Remembering } from "./remembering.js";

const sequence = (conditions: object) => ({ policy_type: "sequence", conditions }) as never;

describe("a sequence policy", () => {
  it("is about the action that completes the steps, whatever came between, each time", () => {
    const policies = new Remembering();
    policies.set(sequence({ steps: ["read_secret*", "send_*"] }));
    const act = (action_type: string, session_id = "s1") =>
      policies.act({ at: 0, action_type, session_id }).allowed;
    expect(act("send_mail")).to.equal(true);
    expect(act("read_secret_key")).to.equal(true);
    expect(act("think")).to.equal(true);
    expect(act("send_mail", "s2")).to.equal(true);
    expect(act("send_mail")).to.equal(false);
    expect(act("send_post")).to.equal(false);
    policies.stop("s1");
    expect(policies.counters.keys).to.equal(0);
  });

  it("forgets a first step that is too long ago, and follows the newest", () => {
    const policies = new Remembering();
    policies.set(sequence({ steps: ["a", "b", "c"], within_seconds: 10, by: "agent" }));
    const act = (at: number, action_type: string) => policies.act({ at, action_type }).allowed;
    act(0, "a");
    act(5_000, "b");
    expect(act(10_000, "c")).to.equal(true);
    act(11_000, "a");
    expect(act(12_000, "c")).to.equal(true);
    act(13_000, "b");
    expect(act(20_999, "c")).to.equal(false);
    expect(act(21_000, "c")).to.equal(true);
  });

  it("a step that was refused has not happened", () => {
    const policies = new Remembering();
    policies.set(sequence({ steps: ["a", "b"] }));
    policies.act({ at: 0, action_type: "a", otherwise: "block" });
    policies.act({ at: 0, action_type: "a", otherwise: "escalate" });
    expect(policies.act({ at: 1, action_type: "b" }).allowed).to.equal(true);
  });

  it("one action is one step", () => {
    const policies = new Remembering();
    policies.set(sequence({ steps: ["x*", "x*", "x*"] }));
    expect([0, 1, 2, 3].map((at) => policies.act({ at, action_type: "xy" }).allowed)).to.deep.equal([
      true,
      true,
      false,
      false,
    ]);
  });

  it("is the dumb model's: some steps in their order, all within the time", () => {
    const types = ["a", "ab", "b", "c"];
    const asks = fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.constantFrom(...types)), {
      maxLength: 24,
    });
    const steps = fc.array(fc.constantFrom("a*", "*b", "c", "b"), { minLength: 2, maxLength: 4 });
    fc.assert(
      fc.property(asks, steps, fc.integer({ min: 1, max: 12 }), (gaps, order, within_seconds) => {
        const policies = new Remembering();
        policies.set(sequence({ steps: order, within_seconds }));
        const happened: { at: number; action_type: string }[] = [];
        let at = 0;
        for (const [gap, action_type] of gaps) {
          at += gap * 1_000;
          const all = [...happened, { at, action_type }];
          const foretold = !completes(all, order, within_seconds * 1_000);
          expect(policies.act({ at, action_type }).allowed).to.equal(foretold);
          if (foretold) {
            happened.push({ at, action_type });
          }
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it("where there is no room to follow another session, its first step is refused", function () {
    this.timeout(30_000);
    const policies = new Remembering();
    policies.set(sequence({ steps: ["a", "b"] }));
    for (let i = 0; i < limits.counted_keys_of_policy; i++) {
      policies.act({ at: i, action_type: "a", session_id: `s${i}` });
    }
    const act = (action_type: string) =>
      policies.act({ at: 10 ** 9, action_type, session_id: "another" }).allowed;
    expect([act("think"), act("a"), act("b")]).to.deep.equal([true, false, true]);
    policies.stop("s0");
    expect([act("a"), act("b")]).to.deep.equal([true, false]);
  });
});

/** Whether the newest action is the last of some actions that are the steps in their order. */
function completes(
  actions: readonly { at: number; action_type: string }[],
  order: readonly string[],
  ms: number,
): boolean {
  const last = actions.length - 1;
  const end = actions[last] as { at: number; action_type: string };
  if (!matches(order[order.length - 1] as string, end.action_type)) {
    return false;
  }
  const from = (step: number, before: number): boolean => {
    if (step < 0) {
      return true;
    }
    for (let i = before - 1; i >= 0; i--) {
      const each = actions[i] as { at: number; action_type: string };
      if (matches(order[step] as string, each.action_type) && each.at > end.at - ms && from(step - 1, i)) {
        return true;
      }
    }
    return false;
  };
  return from(order.length - 2, last);
}
