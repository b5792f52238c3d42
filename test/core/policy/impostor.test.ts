/** Actions that name an agent whose key they do not have: they count, and not for that agent. */
import { expect } from "chai";
import type { Actor } from "../../../src/core/actor.js";
import type { Decision } from "../../../src/core/decision.js";
import { createKey, intercept, start } from "../asking.js";
import { Workspace } from "../workspace.js";

const limits_of_two: readonly [string, object][] = [
  ["rate", { by: "agent", count: 2, window_seconds: 60 }],
  ["rate", { by: "session", count: 2, window_seconds: 60 }],
  ["window", { by: "agent", period: "day", max_actions: 2 }],
  ["window", { by: "agent", value: "loan-*", period: "day", max_actions: 2 }],
];

describe("an action that names a registered agent, from a key that is bound to none", () => {
  for (const [policy_type, conditions] of limits_of_two) {
    const name = `${policy_type} ${JSON.stringify(conditions)}`;
    it(`passes no ${name} uncounted, and uses nothing of the agent's up`, () => {
      const { workspace, unbound, bound } = withAgent();
      const root = { key_id: null, role: "admin" } as const;
      workspace.submit({
        type: "change_policy",
        actor: root,
        change: "created",
        policy_id: "1".repeat(32),
        written: { name: "two", policy_type, decision: "block", conditions } as never,
        source: "api",
        repeat: null,
      });
      const asks = (actor: Actor) => {
        return verdictOf(workspace.submit(intercept(actor, null, { agent_id: "loan-bot" })));
      };
      expect([1, 2, 3].map(() => asks(unbound))).to.deep.equal(["allow", "allow", "block"]);
      expect([1, 2, 3].map(() => asks(bound))).to.deep.equal(["allow", "allow", "block"]);
    });
  }

  it("passes no sequence unfollowed in a session that has no agent", () => {
    const { workspace, unbound } = withAgent();
    workspace.submit({
      type: "change_policy",
      actor: { key_id: null, role: "admin" },
      change: "created",
      policy_id: "1".repeat(32),
      written: {
        name: "leak",
        policy_type: "sequence",
        decision: "block",
        conditions: { by: "agent", steps: ["read", "send"], within_seconds: 60 },
      },
      source: "api",
      repeat: null,
    });
    workspace.submit(start(unbound, "sess_1"));
    const asks = (action_type: string) => {
      return verdictOf(workspace.submit(intercept(unbound, "sess_1", { agent_id: "loan-bot", action_type })));
    };
    expect([asks("read"), asks("send")]).to.deep.equal(["allow", "block"]);
  });
});

function verdictOf({ events }: Decision): string | undefined {
  return events.find((event) => event.event === "enforcement_decision")?.decision;
}

/** A workspace with a registered agent, a key that is bound to it, and one that is bound to nobody. */
function withAgent() {
  const workspace = new Workspace();
  const root = workspace.bootstrap();
  workspace.submit({
    type: "register_agent",
    actor: root,
    agent_id: "loan-bot",
    framework: "custom",
    profile: {},
    decimals: [],
    secret_digest: "secret of loan-bot",
  });
  const keyNamed = (name: string, agent_id: string | null): Actor => {
    workspace.submit(createKey(root, name, { agent_id }));
    return { key_id: [...workspace.state.keys.keys()].at(-1) as string, role: "agent" };
  };
  return { workspace, unbound: keyNamed("unbound", null), bound: keyNamed("bound", "loan-bot") };
}
