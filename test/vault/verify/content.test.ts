import { expect } from "chai";
import { judge, verdictOf } from "./evidence.js";
import { at, type Draft, decided, made, operator, started } from "./made.js";

const of = (...drafts: readonly Draft[]) => verdictOf(judge(made(drafts)));
const salt = "0".repeat(32);

describe("the content of an entry", () => {
  it("may have members that nobody knows, and no event that nobody knows", () => {
    expect(of({ ...started("s"), tomorrow: [1] })).to.equal("verified");
    for (const event of ["session_forgotten", "constructor", ""]) {
      expect(of({ ...started("s"), event })).to.equal("content.event 1");
    }
  });

  it("has its members, of their types, also those inside others", () => {
    const wrong: readonly Draft[] = [
      { ...started("s"), labels: [5] },
      { ...started("s"), budgets: { max_actions: 1 } },
      started("s", { budgets: { max_actions: -1 } }),
      started("s", { expires_at: at(9) }),
      started("s", { budgets: { ttl_seconds: 9 } }),
      started("s", { agent_id: "" }),
      { ...started("s"), session_index: null },
      { ...started("s"), actor: { role: "agent" } },
      { ...started("s"), _salt: "0" },
      { ...started("s"), request_id: null },
      { ...decided(null, "allow", 0), session_index: 0 },
      decided(null, "terminate", 0, { cause: { event: "session_ended", sequence: 0 } }),
      decided("s", "terminate", 0),
      decided("s", "allow", 0, { cause: { event: "session_ended", sequence: 0 } }),
      decided("s", "allow", 0, { reserved: null }),
      decided("s", "allow", 0, { policies_triggered: [{ policy_id: "p", name: "n", decision: "block" }] }),
      { ...decided("s", "allow", 1), details: { action_metadata: {} } },
    ];
    for (const draft of wrong) {
      expect(of(draft), JSON.stringify(draft)).to.equal("content.schema 1");
    }
  });

  it("tells of no time before the entry above, and of none after its own seal", () => {
    expect(of({ ...started("s"), at: at(0) })).to.equal("verified");
    expect(of({ ...started("s"), at: at(1.001) })).to.equal("content.time 1");
    expect(of(started("s"), { ...decided("s", "allow", 1), at: at(0.999) })).to.equal("content.time 2");
    // One wrong time is one finding, also when it lies far ahead.
    const { failures } = judge(made([{ ...started("s"), at: at(99) }, decided("s", "allow", 1)]));
    expect(failures).to.have.length(1);
  });
});

describe("details", () => {
  const detailed: Draft = {
    ...decided("s", "allow", 1),
    details: { _salt: salt, action_metadata: { who: "me" } },
  };
  const log = made([started("s"), detailed]);
  const digest = /"details_digest":"([0-9a-f]{64})"/.exec(log)?.[1] as string;
  const erasure = (targets: readonly object[]): Draft => ({
    event: "erasure",
    actor: operator,
    targets,
    legal_basis: "",
    reason: "",
  });
  const without = (text: string) => text.replace(/"details":\{.*?\}\},/, "");
  const target = { sequence: 2, details_digest: digest };

  it("are there as the content says", () => {
    expect(verdictOf(judge(log))).to.equal("verified");
    expect(verdictOf(judge(log.replace('"who":"me"', '"who":"us"')))).to.equal("entry.details_digest 2");
    expect(verdictOf(judge(without(log)))).to.equal("erasure.unauthorised 2");
  });

  it("may be gone where an erasure says so, and then must be", () => {
    const erased = made([started("s"), detailed, erasure([target])]);
    expect(judge(without(erased))).to.deep.include({ exit: 0, erased: [2] });
    expect(verdictOf(judge(erased))).to.equal("erasure.incomplete 2");
  });

  it("are erased only by their own digest, of an earlier entry", () => {
    const erased = (wrong: object) => of(started("s"), detailed, erasure([{ ...target, ...wrong }]));
    expect(erased({ details_digest: "0".repeat(64) })).to.equal("behaviour.unknown_reference 3");
    expect(erased({ sequence: 1 })).to.equal("behaviour.unknown_reference 3");
    expect(erased({ sequence: 3 })).to.equal("behaviour.unknown_reference 3");
    expect(of(started("s"), erasure([{ sequence: 3, details_digest: digest }]), detailed)).to.equal(
      "behaviour.unknown_reference 2",
    );
  });
});
