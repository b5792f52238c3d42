/** When the streams of a key are told that it is good no more. */
import { expect } from "chai";
import type { Event } from "../../src/core/event.js";
import { evolve } from "../../src/core/evolve.js";
import { emptyState } from "../../src/core/state.js";
import { engineClock } from "../../src/engine/clock.js";
import { KeyEnds } from "../../src/engine/key-ends.js";
import { ManualTime } from "./manual-time.js";

const actor = { key_id: null, role: "system" } as const;

describe("the ends of keys", () => {
  function place() {
    const time = new ManualTime();
    const clock = engineClock(0, time);
    const state = emptyState();
    const ends = new KeyEnds(state, clock);
    const happen = (event: Event) => {
      evolve(state, event);
      ends.onDecided([event]);
    };
    const make = (key_id: string, expires_at: number | null, more: object = {}) =>
      happen({
        event: "api_key_created",
        at: clock.now(),
        actor,
        key_id,
        name: key_id,
        granted_role: "operator",
        granted_roles: ["operator"],
        agent_id: null,
        secret_digest: key_id,
        expires_at,
        ...more,
      });
    const revoke = (key_id: string) =>
      happen({ event: "api_key_revoked", at: clock.now(), actor, key_id, reason: "" });
    return { time, clock, ends, make, revoke };
  }

  it("a revocation is told in the same turn, once, and only to the streams of that key", () => {
    const { ends, make, revoke } = place();
    const told: string[] = [];
    make("a", null);
    make("b", null);
    ends.onEnd("a", () => told.push("a"));
    ends.onEnd("a", () => told.push("a again"));
    ends.onEnd("b", () => told.push("b"));
    revoke("a");
    revoke("a");
    expect(told).to.deep.equal(["a", "a again"]);
    expect(ends.watched).to.equal(1);
  });

  it("an end far away is waited for, though no timer waits that long", () => {
    const { time, clock, ends, make } = place();
    const told: number[] = [];
    const days_60 = 60 * 86_400_000;
    const end = clock.now() + days_60;
    make("a", end);
    ends.onEnd("a", () => told.push(clock.now()));
    time.pass(days_60 - 1);
    expect(told).to.deep.equal([]);
    time.pass(1);
    expect(told).to.deep.equal([end]);
  });

  it("a rotation brings the end of the old key forward, and is no end of the new one", () => {
    const { time, clock, ends, make } = place();
    const told: string[] = [];
    make("a", clock.now() + 1_000_000);
    ends.onEnd("a", () => told.push("a"));
    make("b", null, { replaces: "a", overlap_ends_at: clock.now() + 1000 });
    ends.onEnd("b", () => told.push("b"));
    time.pass(999);
    expect(told).to.deep.equal([]);
    time.pass(1);
    expect(told).to.deep.equal(["a"]);
    time.pass(1_000_000);
    expect(told).to.deep.equal(["a"]);
  });

  it("a key that is spent already is told at once, and one that was left never", () => {
    const { ends, make, revoke } = place();
    const told: string[] = [];
    make("a", null);
    make("b", null);
    revoke("a");
    ends.onEnd("a", () => told.push("a"));
    const leave = ends.onEnd("b", () => told.push("b"));
    leave();
    revoke("b");
    expect(told).to.deep.equal(["a"]);
    expect(ends.watched).to.equal(0);
  });
});
