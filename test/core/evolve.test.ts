/**
 * What decide never leads to and a log may still hold: one of another version, or one that was made
 * by hand. Evolve is total, and errs on the side of the stop.
 */
import { expect } from "chai";
import type { Actor } from "../../src/core/actor.js";
import type { Event } from "../../src/core/event.js";
import { isUnderStop } from "../../src/core/scope.js";
import type { Session } from "../../src/core/state.js";
import { start } from "./asking.js";
import { digest } from "./digest.js";
import { Workspace } from "./workspace.js";

describe("evolve", () => {
  let workspace: Workspace;
  let root: Actor;
  let credential_id: string;

  beforeEach(() => {
    workspace = new Workspace(false);
    root = workspace.bootstrap();
    workspace.submit({
      type: "register_agent",
      actor: root,
      agent_id: "loan-bot",
      framework: "custom",
      profile: {},
      decimals: [],
      secret_digest: "secret",
    });
    credential_id = workspace.state.agents.get("loan-bot")?.credential_id as string;
  });

  function revocation(agent_id: string | null): Event {
    return {
      event: "credential_revoked",
      at: workspace.now,
      actor: root,
      credential_id,
      agent_id,
      cascade: "agent",
      reason: "leaked",
      killed_count: 0,
      killed_sessions: [],
    };
  }

  it("a credential's revocation after its agent's does not open the agent again", () => {
    workspace.submit({
      type: "revoke_agent",
      actor: root,
      agent_id: "loan-bot",
      reason: "out",
      repeat: null,
    });
    workspace.apply(revocation("loan-bot"));
    expect(workspace.submit(start(root, "s1", { agent_id: "loan-bot" })).reply).to.include({
      code: "agent_suspended",
    });
    expect(workspace.state.keys.get(credential_id)?.revoked?.reason, "the first reason stays").to.equal(
      "out",
    );
  });

  it("a credential's revocation that names no agent stops what runs on the credential alone", () => {
    workspace.submit(start(root, "s1", { credential_id }));
    workspace.submit(start(root, "s2", { agent_id: "loan-bot" }));
    workspace.apply(revocation(null));
    const stands = ["s1", "s2"].map((id) =>
      isUnderStop(workspace.state, workspace.state.sessions.get(id) as Session),
    );
    expect(stands).to.deep.equal([true, false]);
    expect(workspace.submit(start(root, "s3", { credential_id })).reply).to.include({
      code: "credential_revoked",
    });
  });

  it("a second stop of a session, and entries about what is not in memory, change only the counts", () => {
    workspace.submit(start(root, "s1", { agent_id: "loan-bot" }));
    workspace.submit({ type: "end_session", actor: root, session_id: "s1" });
    const end = workspace.log.at(-1) as Extract<Event, { event: "session_ended" }>;
    const { stop, status } = structuredClone(workspace.state.sessions.get("s1") as Session);
    workspace.apply({ ...end, session_index: end.session_index + 1, reason: "again" });
    expect(workspace.state.sessions.get("s1")).to.deep.include({ stop, status });
    expect(workspace.state.live_sessions).to.equal(0);

    const { next_sequence } = workspace.state;
    const before = digest({ ...workspace.state, next_sequence: 0 });
    workspace.apply({ ...end, session_id: "s9", session_index: 7 });
    workspace.apply({ event: "api_key_revoked", at: end.at, actor: root, key_id: "key_9", reason: "" });
    expect(digest({ ...workspace.state, next_sequence: 0 })).to.equal(before);
    expect(workspace.state.next_sequence).to.equal(next_sequence + 2);
  });
});
