import { expect } from "chai";
import { judge, verdictOf } from "./evidence.js";
import {
  bundleText,
  by_quorum,
  checkpointOf,
  type Draft,
  decided,
  ended,
  exceeded,
  genesis,
  halted,
  killed,
  operator,
  paused,
  proofOf,
  resumed,
  seal,
  started,
} from "./made.js";

/** A slice of the log of these drafts: the session `s` and the other entries named. */
function slice(drafts: readonly Draft[], others: readonly number[] = []): string {
  const log = seal([genesis, ...drafts]);
  const entries = log.flatMap((entry, index) =>
    entry.content.session_id === "s" || others.includes(index)
      ? [{ ...entry, inclusion_proof: proofOf(log, index) }]
      : [],
  );
  const checkpoint = checkpointOf(log, by_quorum);
  return bundleText(entries, { kind: "slice", selection: { session_id: "s" }, checkpoint });
}
const verdict = (drafts: readonly Draft[], others?: readonly number[]) =>
  verdictOf(judge(slice(drafts, others)));

describe("a slice", () => {
  const pause = halted("workspace", "ws", 2, { mode: "pause" });
  const lift = { event: "halt_lifted", actor: operator, halt_id: pause.halt_id, reason: "" };

  it("tells of its session alone how far it went", () => {
    const report = judge(slice([started("t"), started("s"), decided("s", "allow", 1), ended("s", 1)]));
    expect(report).to.include({ exit: 0, kind: "slice", entries: 3, complete_to: null });
    expect(report.sessions).to.deep.equal({ s: { status: "ended", last_index: 2 } });
  });

  it("does not ask whether an order was lifted that it shows as a cause only", () => {
    const drafts = [started("t"), started("s"), pause, paused("s", "halt_requested", 3), lift, resumed("s")];
    expect(verdict([...drafts, decided("s", "allow", 1)], [3])).to.equal("verified");
  });

  it("counts by what is stated, since sub-sessions count too and are not shown", () => {
    const sub = started("c", { parent_session_id: "s" });
    const limited = started("s", { budgets: { max_actions: 2 } });
    expect(verdict([limited, sub, decided("c", "allow", 1), decided("s", "allow", 2)])).to.equal("verified");
    expect(verdict([limited, decided("s", "allow", 3)])).to.equal("behaviour.over_budget 2");
    expect(verdict([limited, decided("s", "allow", 2), decided("s", "allow", 1)])).to.equal(
      "behaviour.count_mismatch 3",
    );
  });

  it("believes what concerns ancestors, and nothing that concerns its own session", () => {
    const sub = started("s", { parent_session_id: "p" });
    const above = [started("p", { budgets: { max_actions: 0 } }), sub, exceeded("s", "p", 0)];
    const stops = [killed("p", "budget_exceeded", { event: "budget_exceeded", sequence: 3 })];
    const cause = { event: "session_killed", sequence: 4 };
    expect(verdict([...above, ...stops, killed("s", "parent_stopped", cause)], [4])).to.equal("verified");
    expect(verdict([...above, ...stops, killed("s", "manual", cause)], [4])).to.equal(
      "behaviour.kill_without_cause 5",
    );
    expect(verdict([started("s"), started("p"), exceeded("s", "p", 0)])).to.equal(
      "behaviour.count_mismatch 3",
    );
  });

  it("shows a stop that its session owes to its own budget", () => {
    expect(verdict([started("s", { budgets: { max_actions: 0 } }), exceeded("s", "s", 0)])).to.equal(
      "behaviour.no_end 2",
    );
  });

  it("asks that orders came from a person, also where they are causes", () => {
    const order = { ...halted("session", "s", 1), actor: { key_id: "key_agent", role: "agent" } };
    const drafts = [started("s"), order, killed("s", "manual", { event: "halt_requested", sequence: 2 })];
    expect(verdict(drafts, [2])).to.equal("behaviour.kill_without_actor 2");
  });

  it("holds an erasure of its entries, also one that erases others' too", () => {
    const detailed = (id: string): Draft => ({
      ...decided(id, "allow", 1),
      details: { _salt: "0".repeat(32), id },
    });
    const whole = bundleText(seal([genesis, started("s"), started("t"), detailed("s"), detailed("t")]));
    const digests = [...whole.matchAll(/"details_digest":"([0-9a-f]{64})"/g)].map(([, digest]) => digest);
    const erasing = (own: unknown): Draft => ({
      event: "erasure",
      targets: [
        { sequence: 3, details_digest: own },
        { sequence: 4, details_digest: digests[1] },
      ],
      legal_basis: "",
      reason: "",
    });
    const erased = (own: unknown) =>
      slice([started("s"), started("t"), detailed("s"), detailed("t"), erasing(own)], [5]).replace(
        /"details":\{[^}]*\},/,
        "",
      );
    expect(judge(erased(digests[0]))).to.deep.include({ exit: 0, erased: [3] });
    expect(verdictOf(judge(erased(digests[1])))).to.equal("behaviour.unknown_reference 5");
  });

  it("holds nothing that has nothing to do with its session, a cause's own cause included", () => {
    expect(verdict([started("t"), started("s")], [1])).to.equal("slice.selection 1");
    const sub = started("s", { parent_session_id: "p" });
    const stop = killed("p", "manual", { event: "halt_requested", sequence: 3 });
    const drafts = [
      started("p"),
      sub,
      halted("session", "p", 1),
      stop,
      killed("s", "parent_stopped", { event: "session_killed", sequence: 4 }),
    ];
    expect(verdict(drafts, [4])).to.equal("verified");
    expect(verdict(drafts, [3, 4])).to.equal("slice.selection 3");
  });
});
