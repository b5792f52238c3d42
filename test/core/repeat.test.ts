import { expect } from "chai";
import type { Actor } from "../../src/core/actor.js";
import type { Intercept } from "../../src/core/command.js";
import { decide } from "../../src/core/decide.js";
import { limits } from "../../src/limits.js";
import { intercept, repeatable, start } from "./asking.js";
import { Workspace } from "./workspace.js";

describe("idempotency keys", () => {
  let workspace: Workspace;
  let root: Actor;

  beforeEach(() => {
    workspace = new Workspace(false);
    root = workspace.bootstrap();
  });

  /** Whether an intercept under a key is answered by an earlier one. */
  function replayed(session_id: string, key: string): boolean {
    const { reply } = workspace.submit(intercept(root, session_id, { repeat: repeatable(key) }));
    return reply.type === "verdict" && reply.replayed;
  }

  it("one that was used is refused when nobody has compared the requests", () => {
    workspace.submit(start(root, "s1"));
    workspace.submit(intercept(root, "s1", { repeat: repeatable("k1") }));
    const again = intercept(root, "s1", { repeat: repeatable("k1") });
    const { reply, events } = decide(workspace.state, {
      ...(again as Intercept),
      at: workspace.now,
      request_id: null,
    });
    expect(reply).to.include({ type: "refused", code: "idempotency_key_mismatch" });
    expect(events).to.deep.equal([]);
  });

  it("the newest 256 of a session are kept, and used ones do not grow old by being repeated", () => {
    workspace.submit(start(root, "s1"));
    expect(replayed("s1", "first")).to.equal(false);
    for (let i = 1; i < limits.session_repeats; i++) {
      expect(replayed("s1", `k${i}`)).to.equal(false);
    }
    expect(replayed("s1", "first")).to.equal(true);
    expect(replayed("s1", "one more")).to.equal(false);
    expect(replayed("s1", "k1")).to.equal(true);
    expect(replayed("s1", "first"), "the oldest made room").to.equal(false);
    expect(workspace.state.session_repeats.get("s1")?.size).to.equal(limits.session_repeats);
    expect(workspace.state.sessions.get("s1")?.actions.spent).to.equal(limits.session_repeats + 2);
  });

  it("those of a session are gone with it", () => {
    workspace.submit(start(root, "s1"));
    replayed("s1", "k1");
    workspace.submit({ type: "end_session", actor: root, session_id: "s1" });
    expect(workspace.state.session_repeats.size).to.equal(0);
    replayed("s1", "k2");
    expect(workspace.state.session_repeats.size).to.equal(0);
  });

  it("the newest 10,000 of a calling key are kept, for a day", () => {
    const startUnder = (key: string, id: string) =>
      workspace.submit(start(root, id, { repeat: repeatable(key) })).reply;
    for (let i = 0; i <= limits.principal_repeats; i++) {
      startUnder(`k${i}`, `s${i}`);
    }
    const kept = () => workspace.state.principal_repeats.get(root.key_id as string);
    expect(kept()?.size).to.equal(limits.principal_repeats);
    expect(startUnder("k1", "x1")).to.deep.equal({ type: "session", session_id: "s1", replayed: true });
    expect(startUnder("k0", "x0")).to.deep.equal({ type: "session", session_id: "x0", replayed: false });

    workspace.now += limits.principal_repeats_ms - 1;
    expect(startUnder("k2", "x2")).to.include({ session_id: "s2" });
    workspace.now += 1;
    expect(startUnder("k2", "x2")).to.include({ session_id: "x2" });
    expect(kept()?.size, "what is over is forgotten").to.equal(1);
  });

  it("one that is used anew counts as the newest of its caller", () => {
    const outside = () =>
      workspace.submit(intercept(root, null, { agent_id: "loan-bot", repeat: repeatable("outside") })).reply;
    const first = outside();
    workspace.submit(start(root, "s1", { agent_id: "loan-bot", repeat: repeatable("start") }));
    workspace.submit({ type: "revoke_agent", actor: root, agent_id: "loan-bot", reason: "", repeat: null });
    expect(outside(), "the block that the stop demands, not the old allow").to.not.deep.equal(first);
    expect([...(workspace.state.principal_repeats.get(root.key_id as string) ?? []).keys()]).to.deep.equal([
      "start",
      "outside",
    ]);
  });
});
