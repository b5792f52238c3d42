import { readFileSync } from "node:fs";
import { expect } from "chai";
import type { Actor } from "../../../src/core/actor.js";
import type { JsonObject } from "../../../src/core/policy/document.js";
import { PolicyError } from "../../../src/core/policy/error.js";
import { microsOf } from "../../../src/core/policy/money.js";
import { parsePolicy } from "../../../src/core/policy/parse.js";
import { start } from "../asking.js";
import { digest } from "../digest.js";
import { replay, Workspace } from "../workspace.js";

const policy_id = "0".repeat(32);

/** The place of the first fault of a policy. */
function fault(policy_type: string, conditions: JsonObject, more: JsonObject = {}): string {
  try {
    parsePolicy(
      { name: "n", policy_type, decision: "allow", conditions, ...more },
      { policy_id, source: "api" },
    );
    return "none";
  } catch (error) {
    return error instanceof PolicyError ? error.path : expect.fail(String(error));
  }
}

describe("defaults and ceilings of budgets", () => {
  it("what is misspelt, empty or without meaning is refused, with its place", () => {
    const cases: readonly (readonly [JsonObject, string])[] = [
      [{ budgets: { max_actions: 0 } }, "none"],
      [{}, "/conditions/budgets"],
      [{ budgets: {} }, "/conditions/budgets"],
      [{ budgets: [1] }, "/conditions/budgets"],
      [{ budgets: { max_action: 5 } }, "/conditions/budgets"],
      [{ budgets: { max_actions: 5, max_action: 5 } }, "/conditions/budgets/max_action"],
      [{ budgets: { max_actions: -1 } }, "/conditions/budgets/max_actions"],
      [{ budgets: { max_actions: 1.5 } }, "/conditions/budgets/max_actions"],
      [{ budgets: { max_tokens: 2 ** 53 } }, "/conditions/budgets/max_tokens"],
      [{ budgets: { max_cost_usd: "0.0000001" } }, "/conditions/budgets/max_cost_usd"],
      [{ budgets: { max_cost_usd: -1 } }, "/conditions/budgets/max_cost_usd"],
      [{ budgets: { ttl_seconds: 0 } }, "/conditions/budgets/ttl_seconds"],
      [{ budgets: { max_depth: 9 } }, "/conditions/budgets/max_depth"],
      [{ budgets: { max_actions: 1 }, agent: "" }, "/conditions/agent"],
      [{ budgets: { max_actions: 1 }, agents: "a" }, "/conditions/agents"],
    ];
    for (const [conditions, path] of cases) {
      expect(fault("default", conditions), JSON.stringify(conditions)).to.equal(path);
      expect(fault("ceiling", conditions), JSON.stringify(conditions)).to.equal(path);
    }
    const fine = { budgets: { max_actions: 1 } };
    expect(fault("default", fine, { decision: "block" })).to.equal("/decision");
    expect(fault("ceiling", fine, { decision: "block" })).to.equal("none");
    expect(fault("ceiling", fine, { decision: "terminate" })).to.equal("/decision");
    expect(fault("ceiling", fine, { action_types: ["a"] })).to.equal("/action_types");
    expect(fault("ceiling", { budgets: { max_actions: 1, on_exceeded: "pause" } })).to.equal(
      "/conditions/budgets/on_exceeded",
    );
    expect(fault("default", { budgets: { max_actions: 1, on_exceeded: "stop" } })).to.equal(
      "/conditions/budgets/on_exceeded",
    );
    for (const warn_at_percent of [[0], [100], [1.5], "50", Array(9).fill(1)]) {
      expect(fault("default", { budgets: { max_actions: 1, warn_at_percent } })).to.equal(
        "/conditions/budgets/warn_at_percent",
      );
    }
  });

  it("reads amounts of USD as requests do", () => {
    const { money } = JSON.parse(readFileSync("test/vectors/rest/params.json", "utf8"));
    for (const { input, micros, error } of money) {
      if (input !== "null") {
        const expected = error === undefined ? Number(micros) : null;
        const json = JSON.parse(input);
        // JSON as a policy brings it has lost how a number was written: this one reads as another.
        if (input !== "1234567890.123456") {
          expect(microsOf(json), input).to.equal(expected);
        }
      }
    }
    expect(microsOf(1234567890.123456)).to.equal(null);
  });

  describe("in a workspace", () => {
    let workspace: Workspace;
    let root: Actor;

    beforeEach(() => {
      workspace = new Workspace(false);
      root = workspace.bootstrap();
    });

    const set = (policy_id: string, decision: string, policy_type: string, conditions: JsonObject) =>
      workspace.submit({
        type: "change_policy",
        actor: root,
        change: "deployed",
        policy_id: policy_id.repeat(32),
        written: { name: policy_id, decision, policy_type, conditions },
        source: "api",
        repeat: null,
      });

    it("a refusal names the policy and the limit, and seals nothing", () => {
      set("a", "block", "ceiling", { budgets: { max_cost_usd: "10" } });
      const { reply, events } = workspace.submit(start(root, "s1", { max_cost_usd_micros: 10_000_001 }));
      expect(reply).to.deep.include({ type: "refused", code: "above_ceiling" });
      expect(reply).to.have.property(
        "message",
        'max_cost_usd 10.000001 is above the ceiling of max_cost_usd 10: policy "a"',
      );
      expect(events).to.deep.equal([]);
      workspace.submit(start(root, "s1", { max_cost_usd_micros: 10_000_000 }));
      expect(workspace.state.sessions.get("s1")?.cost_usd_micros.limit).to.equal(10_000_000);
    });

    it("a session never has more than any ceiling, whatever the order of the policies", () => {
      for (const [first, second] of [
        [5, 9],
        [9, 5],
      ]) {
        set("a", "allow", "ceiling", { budgets: { max_actions: first as number } });
        set("b", "allow", "ceiling", { budgets: { max_actions: second as number } });
        const session_id = `s${first}`;
        workspace.submit(start(root, session_id, { max_actions: 100 }));
        expect(workspace.state.sessions.get(session_id)?.actions.limit).to.equal(5);
      }
    });

    it("a session that brings none still ends when it idles, where policies give it no time", () => {
      set("a", "allow", "default", { agent: "by-default", budgets: { max_tokens: 60 } });
      set("b", "allow", "ceiling", { agent: "by-ceiling", budgets: { max_tokens: 30 } });
      for (const agent_id of ["by-default", "by-ceiling"]) {
        workspace.submit(start(root, agent_id, { agent_id }));
        workspace.submit(start(root, `${agent_id}, its own`, { agent_id, max_tokens: 5 }));
      }
      const idle = [...workspace.state.sessions.values()].map((session) => session.idle_timeout_seconds);
      expect(idle).to.deep.equal([86_400, null, 86_400, null]);
    });

    it("ttl of a default or a ceiling ends the session, also after a restart", () => {
      set("a", "allow", "default", { budgets: { ttl_seconds: 60 } });
      set("b", "allow", "ceiling", { budgets: { ttl_seconds: 30 } });
      workspace.submit(start(root, "s1"));
      expect(workspace.log.at(-1)).to.have.property("expires_at", workspace.state.at + 30_000);
      expect(workspace.state.sessions.get("s1")).to.deep.include({
        ttl_seconds: 30,
        idle_timeout_seconds: null,
      });
      expect(digest(replay(workspace.log))).to.equal(digest(workspace.state));
    });
  });
});
