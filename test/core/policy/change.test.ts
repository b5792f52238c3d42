import { expect } from "chai";
import type { Actor } from "../../../src/core/actor.js";
import type { PolicyChange } from "../../../src/core/event-policy.js";
import type { JsonObject } from "../../../src/core/policy/document.js";
import { fromContent, toContent } from "../../../src/engine/content.js";
import { snapshotText, stateOf } from "../../../src/engine/snapshot.js";
import { limits } from "../../../src/limits.js";
import { canonical } from "../../../src/vault/canonical.js";
import { audit } from "../audit.js";
import { digest } from "../digest.js";
import { replay, Workspace } from "../workspace.js";

const id = (n: number) => n.toString(16).padStart(32, "0");
const block = (name: string, more: JsonObject = {}): JsonObject => ({
  name,
  policy_type: "action_type",
  decision: "block",
  ...more,
});

describe("a change of policies", () => {
  let workspace: Workspace;
  let admin: Actor;

  beforeEach(() => {
    workspace = new Workspace();
    admin = workspace.bootstrap();
  });

  function change(kind: PolicyChange, n: number, written: JsonObject | null) {
    return workspace.submit({
      type: "change_policy",
      actor: admin,
      change: kind,
      policy_id: id(n),
      written,
      source: "api",
      repeat: null,
    }).reply;
  }

  it("makes what a restart and a snapshot find again, numbers and all", () => {
    change("created", 1, block("one", { priority: 3, trust_threshold: 0.25 }));
    change("deployed", 2, {
      name: "two",
      policy_type: "threshold",
      decision: "terminate",
      conditions: { path: "/a~1b", operator: "gte", value: 1e-7, warning: "é\u{1f600}" },
    });
    change("updated", 1, block("one", { enabled: false }));
    const sealed = workspace.log.map((event, i) => {
      const content = toContent(event, "0".repeat(32));
      return fromContent(canonical(content), null, i);
    });
    expect(digest(replay(sealed))).to.equal(digest(workspace.state));
    expect(digest(stateOf(snapshotText(workspace.state)) ?? expect.fail("ours"))).to.equal(
      digest(workspace.state),
    );
    expect(audit(workspace.log)).to.deep.equal([]);
    expect(workspace.state.policies.get(id(2))?.document.conditions.value).to.equal(1e-7);
  });

  it("is refused where the policy, or another of its name, is not as the change has it", () => {
    expect(change("updated", 1, block("one"))).to.include({ code: "policy_not_found" });
    expect(change("deleted", 1, null)).to.include({ code: "policy_not_found" });
    expect(change("created", 1, block("one"))).to.include({ type: "policy", version: 1 });
    expect(change("created", 1, block("other"))).to.include({ code: "already_exists" });
    expect(change("created", 2, block("one"))).to.include({ code: "already_exists" });
    expect(change("created", 2, block("two"))).to.include({ type: "policy" });
    expect(change("updated", 2, block("one"))).to.include({ code: "already_exists" });
    expect(change("updated", 2, block("three"))).to.include({ version: 2 });
  });

  it("that changes nothing seals nothing", () => {
    change("created", 1, block("one"));
    const size = workspace.log.length;
    expect(change("deployed", 1, block("one", { description: "", priority: -0 }))).to.include({ version: 1 });
    expect(workspace.log).to.have.lengthOf(size);
  });

  it("is refused with the place of what is wrong", () => {
    const reply = change("created", 1, {
      name: "t",
      policy_type: "threshold",
      decision: "block",
      conditions: { path: "/a", operator: "over", value: 1 },
    });
    expect(reply).to.deep.include({
      code: "invalid_argument",
      details: [
        { field: "conditions.operator", issue: 'must be one of gt, gte, lt, lte, eq, ne, not "over"' },
      ],
    });
  });

  it("finds no room beyond the limit", () => {
    const large = new Workspace(false);
    const actor = large.bootstrap();
    const order = { type: "change_policy", actor, source: "api", repeat: null } as const;
    const make = (n: number) =>
      large.submit({ ...order, change: "created", policy_id: id(n), written: block(`p${n}`) }).reply;
    for (let n = 0; n < limits.policies; n++) {
      expect(make(n)).to.include({ type: "policy" });
    }
    expect(make(limits.policies)).to.include({ code: "limit_reached" });
    large.submit({ ...order, change: "deleted", policy_id: id(7), written: null });
    expect(make(limits.policies)).to.include({ type: "policy" });
  });
});
