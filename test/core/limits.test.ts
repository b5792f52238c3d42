import { expect } from "chai";
import type { Actor } from "../../src/core/actor.js";
import type { AgentRevoked, CredentialRevoked } from "../../src/core/event.js";
import { forgetStopped, oldestStopped, readmitStopped } from "../../src/core/evolve-session.js";
import type { Session } from "../../src/core/state.js";
import { limits } from "../../src/limits.js";
import { createKey, intercept, start } from "./asking.js";
import { audit } from "./audit.js";
import { digest } from "./digest.js";
import { replay, Workspace } from "./workspace.js";

describe("limits of the core", () => {
  let workspace: Workspace;
  let root: Actor;

  beforeEach(() => {
    workspace = new Workspace(false);
    root = workspace.bootstrap();
  });

  it("a revocation lists the first thousand of what it stopped, counts all, and a cut one is finished", () => {
    const sessions = limits.killed_sessions_listed + 200;
    workspace.submit(start(root, "s0", { agent_id: "loan-bot" }));
    for (let i = 1; i < sessions; i++) {
      const parent_session_id = i % 3 === 0 ? `s${i - 1}` : null;
      const agent_id = i % 3 === 0 ? null : "loan-bot";
      workspace.submit(start(root, `s${i}`, { agent_id, parent_session_id }));
    }
    const size = workspace.log.length;
    workspace.submit({
      type: "revoke_agent",
      actor: root,
      agent_id: "loan-bot",
      reason: "leaked",
      repeat: null,
    });
    const order = workspace.log[size] as AgentRevoked;
    const sorted = [...workspace.state.sessions.keys()].sort();
    expect(order.killed_count).to.equal(sessions);
    expect(order.killed_sessions).to.deep.equal(sorted.slice(0, limits.killed_sessions_listed));
    expect(workspace.state.live_sessions).to.equal(0);

    workspace.crash(size + 1 + limits.batch_entries);
    expect(workspace.state.live_sessions).to.equal(sessions - limits.batch_entries);
    workspace.submit({ type: "finish_cascades", actor: { key_id: null, role: "system" } });
    expect(workspace.state.live_sessions).to.equal(0);
    expect(audit(workspace.log)).to.deep.equal([]);
    const { agent, session } = workspace.state.scopes;
    expect([agent.size, session.size], "only the agent's own order stands").to.deep.equal([1, 0]);
  });

  it("an agent's revocation lists its first 200 credentials and puts out all", () => {
    workspace.submit(start(root, "s1", { agent_id: "loan-bot" }));
    for (let i = 0; i < limits.revoked_credentials_listed + 5; i++) {
      workspace.submit({
        type: "issue_credential",
        actor: root,
        agent_id: "loan-bot",
        secret_digest: `secret ${i}`,
        ttl_seconds: null,
        require_session: true,
        repeat: null,
      });
    }
    const size = workspace.log.length;
    workspace.submit({ type: "revoke_agent", actor: root, agent_id: "loan-bot", reason: "", repeat: null });
    const ids = workspace.state.agents.get("loan-bot")?.credential_ids ?? [];
    const order = workspace.log[size] as AgentRevoked;
    expect(order.revoked_credentials).to.deep.equal(
      [...ids].sort().slice(0, limits.revoked_credentials_listed),
    );
    expect(ids.map((id) => workspace.state.keys.get(id)?.revoked?.sequence)).to.deep.equal(
      ids.map(() => size),
    );
  });

  it("no more sessions than the limit are live, and an end makes room", () => {
    workspace.submit(start(root, "s1"));
    workspace.state.live_sessions = limits.live_sessions;
    expect(workspace.submit(start(root, "s2")).reply).to.include({ code: "session_limit_reached" });
    workspace.submit({ type: "end_session", actor: root, session_id: "s1" });
    expect(workspace.submit(start(root, "s2")).reply).to.include({ type: "session" });
  });

  it("no more agents than the limit are known, and known names go on", () => {
    workspace.submit(start(root, "s1", { agent_id: "loan-bot" }));
    const known = workspace.state.agents.get("loan-bot");
    for (let i = workspace.state.agents.size; i < limits.agents; i++) {
      workspace.state.agents.set(`bot-${i}`, known as NonNullable<typeof known>);
    }
    expect(workspace.submit(start(root, "s2", { agent_id: "one-more" })).reply).to.include({
      code: "limit_reached",
    });
    expect(workspace.submit(start(root, "s2", { agent_id: "loan-bot" })).reply).to.include({
      type: "session",
    });
    expect(register("one-more")).to.include({ code: "limit_reached" });
    expect(register("loan-bot")).to.include({ type: "agent", created: true });
  });

  it("no more keys and credentials than the limit are ever made", () => {
    workspace.submit(start(root, "s1", { agent_id: "loan-bot" }));
    const first = workspace.state.keys.get(root.key_id as string);
    for (let i = workspace.state.keys.size; i < limits.keys; i++) {
      workspace.state.keys.set(`key ${i}`, first as NonNullable<typeof first>);
    }
    expect(workspace.submit(createKey(root, "ann")).reply).to.include({ code: "limit_reached" });
    expect(register("loan-bot")).to.include({ code: "limit_reached" });
    const issued = workspace.submit({
      type: "issue_credential",
      actor: root,
      agent_id: "loan-bot",
      secret_digest: "secret",
      ttl_seconds: null,
      require_session: true,
      repeat: null,
    });
    expect(issued.reply).to.include({ code: "limit_reached" });
  });

  function register(agent_id: string) {
    return workspace.submit({
      type: "register_agent",
      actor: root,
      agent_id,
      framework: "custom",
      profile: {},
      decimals: [],
      secret_digest: `secret of ${agent_id}`,
    }).reply;
  }

  it("those that stopped first may leave memory first, but for what is not sealed or has live ones below", () => {
    workspace.submit(start(root, "s0"));
    for (const session_id of ["s1", "s2", "s3"]) {
      workspace.submit(start(root, session_id, { parent_session_id: session_id === "s2" ? "s1" : null }));
    }
    for (const session_id of ["s3", "s1"]) {
      workspace.submit({ type: "end_session", actor: root, session_id });
    }
    const { state } = workspace;
    const last = state.sessions.get("s2") as Session;
    expect([...oldestStopped(state, last.last_sequence)]).to.deep.equal(["s3", "s1"]);
    expect([...oldestStopped(state, last.last_sequence + 1)]).to.deep.equal(["s3", "s1", "s2"]);
    state.children.set("s3", new Set(["a live one"]));
    expect([...oldestStopped(state, state.next_sequence)]).to.deep.equal(["s1", "s2"]);
  });

  it("a session that left memory comes back as it was, and goes on counting what it is told", () => {
    workspace.submit(start(root, "s1"));
    workspace.submit({ type: "end_session", actor: root, session_id: "s1" });
    for (let i = 0; i < limits.terminates_sealed - 1; i++) {
      workspace.submit(intercept(root, "s1"));
    }
    const { state } = workspace;
    const session = state.sessions.get("s1") as Session;
    const before = digest(state);
    forgetStopped(state, "s1");
    expect(workspace.submit(intercept(root, "s1")).reply).to.include({ code: "session_not_found" });
    readmitStopped(state, structuredClone(session));
    readmitStopped(state, session);
    expect(digest(state)).to.equal(before);
    expect(workspace.submit(intercept(root, "s1")).events).to.have.length(1);
    expect(workspace.submit(intercept(root, "s1")).events).to.have.length(0);
    expect(digest(replay(workspace.log))).to.equal(digest(state));
  });

  it("a large family stops at once, and leaves nothing behind in memory", () => {
    workspace.submit(start(root, "s0", { agent_id: "loan-bot" }));
    for (let i = 1; i < 5000; i++) {
      const parent_session_id = `s${i < 100 ? 0 : i % 100}`;
      workspace.submit(start(root, `s${i}`, { agent_id: "loan-bot", parent_session_id }));
    }
    workspace.submit({
      type: "kill_session",
      actor: root,
      session_id: "s0",
      reason: "stop",
      repeat: null,
    });
    const { state } = workspace;
    expect(state.live_sessions).to.equal(0);
    expect(state.agents.get("loan-bot")?.live_sessions.size).to.equal(0);
    expect([state.children.size, state.scopes.session.size, state.session_repeats.size]).to.deep.equal([
      0, 0, 0,
    ]);
    expect(audit(workspace.log)).to.deep.equal([]);
  });

  it("a credential's revocation names its sessions' descendants once, though they are its own as well", () => {
    workspace.submit(start(root, "s1", { agent_id: "loan-bot" }));
    workspace.submit({
      type: "issue_credential",
      actor: root,
      agent_id: "loan-bot",
      secret_digest: "secret",
      ttl_seconds: null,
      require_session: true,
      repeat: null,
    });
    const credential_id = workspace.state.agents.get("loan-bot")?.credential_ids[0] as string;
    workspace.submit(start(root, "s2", { credential_id, parent_session_id: "s1" }));
    workspace.submit(start(root, "s3", { parent_session_id: "s2" }));
    const size = workspace.log.length;
    workspace.submit({ type: "revoke_credential", actor: root, credential_id, reason: "", repeat: null });
    const order = workspace.log[size] as CredentialRevoked;
    expect(order.killed_sessions).to.deep.equal(["s1", "s2", "s3"]);
    expect(workspace.log.slice(size + 1).map((event) => event.event)).to.deep.equal([
      "session_killed",
      "session_killed",
      "session_killed",
    ]);
    expect(audit(workspace.log)).to.deep.equal([]);
  });
});
