/** Actions that wait for a person: who answers, what an approval is good for, and how a wait ends. */
import { expect } from "chai";
import type { Actor } from "../../src/core/actor.js";
import { system_actor } from "../../src/core/actor.js";
import type { Decision } from "../../src/core/decision.js";
import type { Event } from "../../src/core/event.js";
import { limits } from "../../src/limits.js";
import { createKey, intercept, repeatable, start } from "./asking.js";
import { audit } from "./audit.js";
import { digest } from "./digest.js";
import { escalate, repeatWith, said, verdictIn } from "./escalating.js";
import { replay, Workspace } from "./workspace.js";

describe("an escalated action", () => {
  let workspace: Workspace;
  let root: Actor;
  let agent: Actor;
  let approver: Actor;
  beforeEach(() => {
    workspace = new Workspace();
    root = workspace.bootstrap();
    agent = key("runner", { roles: ["agent"] });
    approver = key("approver", { roles: ["approver"] });
    begin("s1");
  });
  afterEach(() => {
    expect(audit(workspace.log)).to.deep.equal([]);
    expect(digest(replay(workspace.log))).to.equal(digest(workspace.state));
  });

  function key(name: string, more: Parameters<typeof createKey>[2]): Actor {
    workspace.submit(createKey(root, name, more));
    const made = [...workspace.state.keys.values()].at(-1);
    return { key_id: made?.key_id ?? "", role: made?.roles[0] ?? "agent" };
  }

  function begin(session_id: string, more: Parameters<typeof start>[2] = {}): void {
    workspace.submit(start(agent, session_id, more));
  }

  /** Escalates an action of `s1`, which must find room. */
  function waits(session_id: string | null = "s1", more: Parameters<typeof escalate>[3] = {}): string {
    const escalation_id = escalate(workspace, agent, session_id, more);
    expect(escalation_id).to.be.a("string");
    return escalation_id as string;
  }

  function answer(
    escalation_id: string,
    resolution: "approved" | "rejected" = "approved",
    by: Actor = approver,
  ): Decision {
    return workspace.submit({
      type: "resolve_escalation",
      actor: by,
      escalation_id,
      resolution,
      reason: "seen",
      unseen: false,
    });
  }

  function codeOf({ reply }: Decision): string {
    return reply.type === "refused" ? reply.code : reply.type;
  }

  function again(escalation_id: string, more: Parameters<typeof repeatWith>[3] = {}) {
    return verdictIn(workspace.submit(repeatWith(agent, "s1", escalation_id, more)).events);
  }

  const spent = (session_id = "s1") => workspace.state.sessions.get(session_id)?.actions.spent;

  describe("that a person approves", () => {
    it("is allowed when it is repeated, once, and was counted when it was asked for", () => {
      const escalation_id = waits("s1", said("pay bob"));
      expect(spent()).to.equal(1);
      expect(codeOf(answer(escalation_id))).to.equal("escalation");
      expect(again(escalation_id, said("pay bob"))).to.deep.equal(["allow"]);
      expect(spent()).to.equal(1);
      expect(again(escalation_id, said("pay bob"))).to.deep.equal(["block", "__escalation_not_open"]);
      expect(spent()).to.equal(2);
    });

    it("is allowed although the actions budget is used up, and the next action is not", () => {
      begin("s2", { max_actions: 1 });
      const escalation_id = waits("s2");
      answer(escalation_id);
      const { events } = workspace.submit(repeatWith(agent, "s2", escalation_id));
      expect(verdictIn(events)).to.deep.equal(["allow"]);
      expect(verdictIn(workspace.submit(intercept(agent, "s2")).events)[0]).to.equal("terminate");
    });

    it("is charged what it asked for, and is not used up where that is refused", () => {
      const cost = { tokens: 8, cost_usd_micros: 0 };
      begin("s2", { max_tokens: 10 });
      const escalation_id = waits("s2", { cost });
      answer(escalation_id);
      const holder = workspace.submit(
        intercept(agent, "s2", { estimate: { tokens: 5, cost_usd_micros: 0 } }),
      );
      const repeat = repeatWith(agent, "s2", escalation_id, { cost });
      expect(verdictIn(workspace.submit(repeat).events)).to.deep.equal(["block", "__budget_reserved"]);
      const held = holder.events[0];
      const decision_id = held?.event === "enforcement_decision" ? held.decision_id : "";
      workspace.submit({ type: "cancel_reservation", actor: agent, decision_id });
      expect(verdictIn(workspace.submit(repeat).events)).to.deep.equal(["allow"]);
      expect(workspace.state.sessions.get("s2")?.tokens.spent).to.equal(8);
    });

    it("is for that action alone: its type, text, metadata, cost and estimate", () => {
      const cost = { tokens: 1, cost_usd_micros: 2 };
      const asked = { action_type: "pay", ...said("pay bob"), cost };
      const escalation_id = waits("s1", asked);
      answer(escalation_id);
      const others = [
        { ...asked, action_type: "look" },
        { ...asked, ...said("pay eve") },
        { ...asked, details_digest: "d other metadata" },
        { ...asked, cost: { ...cost, tokens: 2 } },
        { ...asked, cost: { ...cost, cost_usd_micros: 3 } },
        { ...asked, cost: null },
        { ...asked, cost: null, estimate: cost },
      ];
      for (const other of others) {
        expect(again(escalation_id, other)).to.deep.equal(["block", "__escalation_mismatch"]);
      }
      expect(again(escalation_id, asked)).to.deep.equal(["allow"]);
    });

    it("is for its session alone, and unknown to any other", () => {
      begin("s2");
      const escalation_id = waits();
      answer(escalation_id);
      const { events } = workspace.submit(repeatWith(agent, "s2", escalation_id));
      expect(verdictIn(events)).to.deep.equal(["block", "__escalation_not_open"]);
      expect(again(escalation_id)).to.deep.equal(["allow"]);
    });

    it("is for the agent that it named, in a session that many share", () => {
      const escalation_id = waits("s1", { agent_id: "bot" });
      answer(escalation_id);
      for (const agent_id of ["tob", null]) {
        expect(again(escalation_id, { agent_id })).to.deep.equal(["block", "__escalation_mismatch"]);
      }
      expect(again(escalation_id, { agent_id: "bot" })).to.deep.equal(["allow"]);
    });

    it("is good for 15 minutes and not a millisecond longer", () => {
      const [first, second] = [waits(), waits()];
      answer(first);
      answer(second);
      workspace.now += limits.approval_ms - 1;
      expect(again(first)).to.deep.equal(["allow"]);
      workspace.now += 1;
      expect(again(second)).to.deep.equal(["block", "__escalation_not_open"]);
      expect(workspace.state.approvals.size).to.equal(1);
      answer(waits());
      expect(workspace.state.approvals.size, "stale ones leave memory").to.equal(1);
    });

    it("keeps the verdict under its idempotency key, and counts no second action", () => {
      const escalation_id = waits();
      answer(escalation_id);
      const repeat = repeatable("k1");
      const allowed = workspace.submit(repeatWith(agent, "s1", escalation_id, { repeat }));
      const told = workspace.submit(repeatWith(agent, "s1", escalation_id, { repeat }));
      expect(told).to.deep.equal({ reply: { ...allowed.reply, replayed: true }, events: [] });
      expect(spent()).to.equal(1);
    });

    it("is blocked while its session is held, and goes on to be good afterwards", () => {
      const escalation_id = waits();
      answer(escalation_id);
      workspace.submit({ type: "pause_session", actor: root, session_id: "s1", reason: "hold" });
      expect(again(escalation_id)).to.deep.equal(["block", "__session_paused"]);
      workspace.submit({ type: "resume_session", actor: root, session_id: "s1", reason: "go on" });
      expect(again(escalation_id)).to.deep.equal(["allow"]);
      expect(spent()).to.equal(1);
    });

    it("gets the stop once the session has stopped", () => {
      const escalation_id = waits();
      answer(escalation_id);
      workspace.submit({ type: "kill_session", actor: root, session_id: "s1", reason: "stop", repeat: null });
      expect(again(escalation_id)[0]).to.equal("terminate");
      expect(workspace.state.approvals.size).to.equal(0);
    });
  });

  describe("that nobody has answered", () => {
    it("is blocked when it is repeated, which counts", () => {
      const escalation_id = waits();
      expect(again(escalation_id)).to.deep.equal(["block", "__escalation_pending"]);
      expect(spent()).to.equal(2);
    });

    it("expires by the timer, and not before its time", () => {
      const escalation_id = waits();
      const expire = { type: "expire_escalation", actor: system_actor, escalation_id } as const;
      workspace.now += limits.escalation_ms - 1;
      expect(workspace.submit(expire).events).to.deep.equal([]);
      workspace.now += 1;
      expect(resolutionsIn(workspace.submit(expire).events)).to.deep.equal([[escalation_id, "expired"]]);
      expect(workspace.submit(expire).events).to.deep.equal([]);
      expect(again(escalation_id)).to.deep.equal(["block", "__escalation_not_open"]);
    });

    it("is not approved after its time, though no timer has told", () => {
      const escalation_id = waits();
      workspace.now += limits.escalation_ms;
      const late = answer(escalation_id);
      expect(codeOf(late)).to.equal("escalation_already_resolved");
      expect(resolutionsIn(late.events)).to.deep.equal([[escalation_id, "expired"]]);
    });
  });

  describe("is answered", () => {
    it("once: the second answer is refused, equal or not", () => {
      const escalation_id = waits();
      answer(escalation_id, "rejected");
      for (const resolution of ["approved", "rejected"] as const) {
        expect(codeOf(answer(escalation_id, resolution))).to.equal("escalation_already_resolved");
      }
      expect(again(escalation_id)).to.deep.equal(["block", "__escalation_not_open"]);
    });

    it("by none of those who asked for it, had it asked for, or are agents", () => {
      const starter = key("starter", { roles: ["agent", "approver"] });
      workspace.submit(start(starter, "s2"));
      workspace.submit(start(root, "s3", { parent_session_id: "s2" }));
      const escalation_id = waits("s2");
      const below = escalate(workspace, root, "s3") as string;
      workspace.submit({
        type: "issue_credential",
        actor: root,
        agent_id: "bot",
        secret_digest: "secret of bot",
        ttl_seconds: null,
        require_session: false,
        repeat: null,
      });
      const credential = { key_id: [...workspace.state.keys.keys()].at(-1) ?? "", role: "approver" } as const;
      const bound = key("bound", { roles: ["approver"], agent_id: "other-bot" });
      workspace.submit({
        type: "rotate_key",
        actor: root,
        kind: "key",
        key_id: starter.key_id as string,
        secret_digest: "another secret",
        overlap_seconds: 60,
        ttl_seconds: null,
        repeat: null,
      });
      const rotated = { key_id: [...workspace.state.keys.keys()].at(-1) ?? "", role: "approver" } as const;
      for (const by of [starter, rotated, agent, credential, bound, system_actor]) {
        expect(codeOf(answer(escalation_id, "approved", by)), `${by.key_id}`).to.equal(
          "insufficient_permissions",
        );
        expect(codeOf(answer(escalation_id, "rejected", by))).to.equal("insufficient_permissions");
      }
      for (const by of [starter, rotated]) {
        expect(codeOf(answer(below, "approved", by)), "of a sub-session").to.equal(
          "insufficient_permissions",
        );
      }
      expect(codeOf(answer(escalation_id))).to.equal("escalation");
      expect(codeOf(answer(below))).to.equal("escalation");
    });

    it("by an admin, also where they asked for it and no agent did", () => {
      const escalation_id = waits();
      expect(codeOf(answer(escalation_id, "approved", root))).to.equal("escalation");
      const bound = key("bound", { roles: ["admin"], agent_id: "other-bot" });
      expect(codeOf(answer(waits(), "approved", bound))).to.equal("insufficient_permissions");
    });

    it("with no while an order is in force on its session, and with yes only when that is lifted", () => {
      const [first, second] = [waits(), waits()];
      workspace.submit({ type: "pause_session", actor: root, session_id: "s1", reason: "hold" });
      expect(codeOf(answer(first))).to.equal("scope_halted");
      expect(codeOf(answer(first, "rejected"))).to.equal("escalation");
      workspace.submit({ type: "resume_session", actor: root, session_id: "s1", reason: "go on" });
      expect(codeOf(answer(second))).to.equal("escalation");
    });

    it("with yes not when the session's time turns out to be over", () => {
      begin("s2", { ttl_seconds: 1 });
      const escalation_id = waits("s2");
      workspace.now += 1000;
      const late = answer(escalation_id);
      expect(codeOf(late)).to.equal("session_not_active");
      expect(late.events.map(({ event }) => event)).to.deep.equal(["session_expired", "escalation_resolved"]);
    });
  });

  describe("of a session that stops, however that stops,", () => {
    const stops: Readonly<Record<string, () => Decision>> = {
      killed: () =>
        workspace.submit({ type: "kill_session", actor: root, session_id: "s2", reason: "x", repeat: null }),
      ended: () => workspace.submit({ type: "end_session", actor: agent, session_id: "s2" }),
      "out of actions": () => {
        workspace.submit(intercept(agent, "s2"));
        return workspace.submit(intercept(agent, "s2"));
      },
      "out of time": () => {
        workspace.now += 60_000;
        return workspace.submit({ type: "expire_session", actor: system_actor, session_id: "s2" });
      },
      "without its parent": () =>
        workspace.submit({ type: "kill_session", actor: root, session_id: "s1", reason: "x", repeat: null }),
      "without its agent": () =>
        workspace.submit({ type: "revoke_agent", actor: root, agent_id: "bot", reason: "x", repeat: null }),
      halted: () =>
        workspace.submit({
          type: "order_halt",
          actor: root,
          scope: { kind: "label", id: "nightly" },
          mode: "kill",
          reason: "x",
          drill_id: null,
          repeat: null,
        }),
    };
    for (const [how, stop] of Object.entries(stops)) {
      it(`waits no more: ${how}`, () => {
        begin("s2", {
          parent_session_id: "s1",
          agent_id: "bot",
          label: "nightly",
          max_actions: 3,
          ttl_seconds: 60,
        });
        const [first, second] = [waits("s2"), waits("s2")];
        const { events } = stop();
        expect(resolutionsIn(events)).to.deep.equal([
          [first, "expired"],
          [second, "expired"],
        ]);
        expect(codeOf(answer(first))).to.equal("escalation_already_resolved");
        expect([workspace.state.escalations.size, workspace.state.session_escalations.size]).to.deep.equal([
          0, 0,
        ]);
      });
    }

    it("waits no more when a crash has cut that off", () => {
      const escalation_id = waits();
      const size = workspace.log.length;
      workspace.submit({ type: "kill_session", actor: root, session_id: "s1", reason: "x", repeat: null });
      expect(workspace.log.slice(size).map(({ event }) => event)).to.deep.equal([
        "halt_requested",
        "session_killed",
        "escalation_resolved",
      ]);
      workspace.crash(size + 2);
      const finished = workspace.submit({ type: "finish_cascades", actor: system_actor });
      expect(resolutionsIn(finished.events)).to.deep.equal([[escalation_id, "expired"]]);
      expect(workspace.submit({ type: "finish_cascades", actor: system_actor }).events).to.deep.equal([]);
    });
  });

  it("that a crash has cut from its opening is known to nobody", () => {
    const escalation_id = waits();
    workspace.crash(workspace.log.length - 1);
    expect(workspace.submit({ type: "finish_cascades", actor: system_actor }).events).to.deep.equal([]);
    expect(codeOf(answer(escalation_id))).to.equal("escalation_already_resolved");
    expect(again(escalation_id)).to.deep.equal(["block", "__escalation_not_open"]);
    expect(codeOf(answer(waits()))).to.equal("escalation");
  });

  it("finds room for so many in a session, of an agent and in the workspace, and is blocked above", () => {
    workspace = new Workspace(false);
    root = workspace.bootstrap();
    agent = key("runner", { roles: ["agent"] });
    approver = key("approver", { roles: ["approver"] });
    const fill = (session_id: string, times: number, agent_id: string) => {
      begin(session_id, { agent_id });
      const made = Array.from({ length: times }, () => escalate(workspace, agent, session_id));
      return made.filter((id) => id !== null);
    };
    const first = fill("a", limits.escalations_pending_session + 1, "bot-0");
    expect(first).to.have.length(limits.escalations_pending_session);
    expect(verdictIn(workspace.log.slice(-1))).to.deep.equal(["block", "__escalation_limit"]);
    answer(first[0] as string, "rejected");
    expect(escalate(workspace, agent, "a")).to.be.a("string");
    let made = first.length;
    for (let bot = 0; made < limits.escalations_pending; bot++) {
      let of_agent = bot === 0 ? first.length : 0;
      for (
        let run = 0;
        of_agent < limits.escalations_pending_agent && made < limits.escalations_pending;
        run++
      ) {
        const more = fill(`${bot} ${run}`, limits.escalations_pending_session, `bot-${bot}`).length;
        of_agent += more;
        made += more;
      }
      expect(of_agent).to.be.at.most(limits.escalations_pending_agent);
      expect(fill(`${bot} last`, 1, `bot-${bot}`)).to.have.length(0);
    }
    expect(workspace.state.escalations.size).to.equal(limits.escalations_pending);
    expect(fill("z", 1, "bot-z")).to.have.length(0);
  });

  describe("without a session", () => {
    it("is for the caller who asked and the agent that it named, and counts nowhere", () => {
      const escalation_id = waits(null, { agent_id: "bot" });
      expect(codeOf(answer(escalation_id, "approved", agent))).to.equal("insufficient_permissions");
      expect(codeOf(answer(escalation_id))).to.equal("escalation");
      const other = key("other", { roles: ["agent"] });
      const asked = (by: Actor, agent_id: string) =>
        verdictIn(workspace.submit(repeatWith(by, null, escalation_id, { agent_id })).events);
      expect(asked(other, "bot")).to.deep.equal(["block", "__escalation_not_open"]);
      expect(asked(agent, "tob")).to.deep.equal(["block", "__escalation_not_open"]);
      expect(asked(agent, "bot")).to.deep.equal(["allow"]);
      expect(asked(agent, "bot")).to.deep.equal(["block", "__escalation_not_open"]);
    });

    it("is not approved for an agent that is halted or revoked", () => {
      begin("s2", { agent_id: "bot" });
      const [first, second] = [waits(null, { agent_id: "bot" }), waits(null, { agent_id: "bot" })];
      const halt = workspace.submit({
        type: "order_halt",
        actor: root,
        scope: { kind: "agent", id: "bot" },
        mode: "pause",
        reason: "x",
        drill_id: null,
        repeat: null,
      });
      expect(codeOf(answer(first))).to.equal("scope_halted");
      const halt_id = halt.reply.type === "halt" ? halt.reply.halt_id : "";
      workspace.submit({ type: "lift_halt", actor: root, halt_id, reason: "x" });
      expect(codeOf(answer(first))).to.equal("escalation");
      workspace.submit({ type: "revoke_agent", actor: root, agent_id: "bot", reason: "x", repeat: null });
      expect(codeOf(answer(second))).to.equal("agent_suspended");
      expect(codeOf(answer(second, "rejected"))).to.equal("escalation");
    });

    it("is not approved for a credential that is halted", () => {
      begin("s2", { agent_id: "bot" });
      workspace.submit({
        type: "issue_credential",
        actor: root,
        agent_id: "bot",
        secret_digest: "secret of bot",
        ttl_seconds: null,
        require_session: false,
        repeat: null,
      });
      const id = [...workspace.state.keys.keys()].at(-1) ?? "";
      const by = { key_id: id, role: "agent" } as const;
      const escalation_id = escalate(workspace, by, null, { agent_id: "bot" }) as string;
      workspace.submit({
        type: "order_halt",
        actor: root,
        scope: { kind: "credential", id },
        mode: "pause",
        reason: "x",
        drill_id: null,
        repeat: null,
      });
      expect(codeOf(answer(escalation_id))).to.equal("scope_halted");
      expect(codeOf(answer(escalation_id, "rejected"))).to.equal("escalation");
    });
  });
});

function resolutionsIn(events: readonly Event[]): readonly (readonly [string, string])[] {
  return events.flatMap((event) =>
    event.event === "escalation_resolved" ? [[event.escalation_id, event.resolution] as const] : [],
  );
}
