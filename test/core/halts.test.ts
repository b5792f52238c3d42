import { expect } from "chai";
import type { Actor } from "../../src/core/actor.js";
import { system_actor } from "../../src/core/actor.js";
import type { HaltMode, Scope } from "../../src/core/event-halt.js";
import { limits } from "../../src/limits.js";
import { intercept, start } from "./asking.js";
import { audit } from "./audit.js";
import { Workspace } from "./workspace.js";

describe("halts of the core", () => {
  let workspace: Workspace;
  let root: Actor;

  beforeEach(() => {
    workspace = new Workspace(false);
    root = workspace.bootstrap();
  });

  const halt = (scope: Scope, mode: HaltMode = "kill") =>
    workspace.submit({
      type: "order_halt",
      actor: root,
      scope,
      mode,
      reason: "stop",
      drill_id: null,
      repeat: null,
    });
  const lift = (halt_id: string) =>
    workspace.submit({ type: "lift_halt", actor: root, halt_id, reason: "go on" });
  const everything = (): Scope => ({ kind: "workspace", id: workspace.state.workspace_id });
  const statuses = () => [...new Set([...workspace.state.sessions.values()].map(({ status }) => status))];

  it("a halt on everything reaches ten thousand sessions in one decision, and so does its lift", () => {
    for (let i = 0; i < 10_000; i++) {
      const parent_session_id = i % 5 === 4 ? `s${i - 1}` : null;
      workspace.submit(start(root, `s${i}`, { agent_id: `a${i % 9}`, parent_session_id }));
    }
    const { reply, events } = halt(everything(), "pause");
    expect([events.length, workspace.state.paused_sessions]).to.deep.equal([10_001, 10_000]);
    expect(statuses()).to.deep.equal(["paused"]);
    expect(lift(reply.type === "halt" ? reply.halt_id : "").events).to.have.length(10_001);
    expect([workspace.state.paused_sessions, statuses()]).to.deep.equal([0, ["active"]]);
    halt(everything());
    expect([workspace.state.live_sessions, workspace.state.paused_sessions]).to.deep.equal([0, 0]);
    expect(audit(workspace.log)).to.deep.equal([]);
  });

  it("a large one that a crash cuts anywhere, or the lift of one, is finished at the next start", () => {
    for (let i = 0; i < 600; i++) {
      workspace.submit(start(root, `s${i}`, { parent_session_id: i % 3 === 0 ? null : `s${i - 1}` }));
    }
    for (const cut of [1, limits.batch_entries, 599, 600]) {
      const size = workspace.log.length;
      halt(everything(), "pause");
      workspace.crash(size + cut);
      workspace.submit({ type: "finish_cascades", actor: system_actor });
      expect(workspace.state.paused_sessions).to.equal(600);
      const [halt_id = ""] = workspace.state.halts.keys();
      const lifted = workspace.log.length;
      lift(halt_id);
      workspace.crash(lifted + cut);
      workspace.submit({ type: "finish_cascades", actor: system_actor });
      expect(workspace.state.paused_sessions).to.equal(0);
    }
    expect(audit(workspace.log)).to.deep.equal([]);
  });

  it("a pause of a session that something else holds is an order, too: a raised budget or a lift ends that, and not it", () => {
    const pause = (session_id: string) =>
      workspace.submit({ type: "pause_session", actor: root, session_id, reason: "hold" });
    const status = (session_id: string) => workspace.state.sessions.get(session_id)?.status;
    workspace.submit(start(root, "s1", { max_tokens: 10, on_exceeded: "pause" }));
    workspace.submit(intercept(root, "s1", { cost: { tokens: 11, cost_usd_micros: 0 } }));
    workspace.submit(start(root, "s2", { label: "held" }));
    const { reply } = halt({ kind: "label", id: "held" }, "pause");
    for (const session_id of ["s1", "s2"]) {
      expect([pause(session_id).events.length, pause(session_id).events.length]).to.deep.equal([1, 0]);
    }
    workspace.submit({
      type: "update_budgets",
      actor: root,
      session_id: "s1",
      max_actions: null,
      max_tokens: 11,
      max_cost_usd_micros: null,
      ttl_seconds: null,
      reason: "more",
    });
    lift(reply.type === "halt" ? reply.halt_id : "");
    expect([status("s1"), status("s2")]).to.deep.equal(["paused", "paused"]);
    for (const session_id of ["s1", "s2"]) {
      workspace.submit({ type: "resume_session", actor: root, session_id, reason: "go on" });
    }
    expect([status("s1"), status("s2")]).to.deep.equal(["active", "active"]);
    expect(audit(workspace.log)).to.deep.equal([]);
  });

  it("leaves nothing behind: not of lifted ones, and not on sessions that have stopped", () => {
    for (let i = 0; i < 100; i++) {
      workspace.submit(start(root, `s${i}`));
      const session_id = `s${i}`;
      workspace.submit({ type: "pause_session", actor: root, session_id, reason: "hold" });
      halt({ kind: "session", id: session_id }, "pause");
      if (i % 2 === 0) {
        workspace.submit({ type: "end_session", actor: root, session_id });
      } else {
        workspace.submit({ type: "kill_session", actor: root, session_id, reason: "stop", repeat: null });
      }
      const { reply } = halt({ kind: "label", id: `label ${i}` });
      lift(reply.type === "halt" ? reply.halt_id : "");
    }
    const { halts, scopes, paused_sessions } = workspace.state;
    expect([halts.size, scopes.session.size, scopes.label.size, paused_sessions]).to.deep.equal([0, 0, 0, 0]);
  });

  it("are limited in number, but for the kill of one session, and so are pauses", () => {
    workspace.submit(start(root, "s1"));
    workspace.submit(start(root, "s2"));
    for (let i = 0; i < limits.halts_in_force; i++) {
      halt({ kind: "label", id: `label ${i}` });
    }
    const refused = { type: "refused", code: "limit_reached" };
    expect(halt(everything()).reply).to.include(refused);
    expect(
      workspace.submit({ type: "pause_session", actor: root, session_id: "s1", reason: "hold" }).reply,
    ).to.include(refused);
    expect(halt({ kind: "session", id: "s1" }).reply.type).to.equal("halt");
    expect(
      workspace.submit({
        type: "kill_session",
        actor: root,
        session_id: "s2",
        reason: "stop",
        repeat: null,
      }).reply,
    ).to.include({ type: "session" });
    expect(workspace.state.live_sessions).to.equal(0);
  });

  it("a lift does not let go what a kill on the same scope came to", () => {
    workspace.submit(start(root, "s1", { label: "nightly" }));
    const { reply } = halt({ kind: "label", id: "nightly" }, "pause");
    halt({ kind: "label", id: "nightly" }, "kill");
    lift(reply.type === "halt" ? reply.halt_id : "");
    expect(statuses()).to.deep.equal(["killed"]);
    expect(workspace.state.scopes.label.get("nightly")?.standing).to.equal("halted");
  });
});
