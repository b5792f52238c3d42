import { expect } from "chai";
import { type Actor, system_actor } from "../../src/core/actor.js";
import { engineClock } from "../../src/engine/clock.js";
import { Timers } from "../../src/engine/timers.js";
import { limits } from "../../src/limits.js";
import { Workspace } from "../core/workspace.js";
import { end, intercept, start } from "./asked.js";
import { ManualTime } from "./manual-time.js";

describe("timers", () => {
  let workspace: Workspace;
  let admin: Actor;
  let time: ManualTime;
  let timers: Timers;
  let asked: string[];
  let answer: () => Promise<boolean>;
  let lease_deadline: number | null;

  beforeEach(() => {
    workspace = new Workspace(false);
    admin = workspace.bootstrap();
    time = new ManualTime();
    const clock = engineClock(workspace.state.at, time);
    asked = [];
    answer = async () => true;
    lease_deadline = null;
    timers = new Timers(
      workspace.state,
      clock,
      () => lease_deadline,
      async (session_id) => {
        asked.push(session_id);
        const taken = await answer();
        if (taken && lease_deadline === null) {
          workspace.now = time.wall;
          workspace.submit({ type: "expire_session", actor: system_actor, session_id });
        }
        return taken;
      },
    );
  });

  function open(session_id: string, ttl_seconds: number): void {
    workspace.now = time.wall;
    timers.onDecided(workspace.submit(start(admin, session_id, { ttl_seconds })).events);
  }

  function turn(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  it("wait for the nearest deadline only", () => {
    open("s1", 30);
    open("s2", 20);
    open("s3", 10);
    expect(time.tasks).to.equal(1);
    time.pass(10_000);
    expect(asked).to.deep.equal(["s3"]);
  });

  it("take in what a replay left", () => {
    workspace.submit(start(admin, "s1", { ttl_seconds: 1 }));
    timers.start();
    time.pass(1000);
    expect(asked).to.deep.equal(["s1"]);
  });

  it("wait longer than any timer of the platform can", () => {
    open("s1", 31_536_000);
    time.pass(31_535_999_000);
    expect(asked).to.deep.equal([]);
    time.pass(1000);
    expect(asked).to.deep.equal(["s1"]);
  });

  it("ask for a bounded number at once, and for all in the end", async () => {
    const waiting: (() => void)[] = [];
    answer = () => new Promise((resolve) => waiting.push(() => resolve(true)));
    const count = limits.expiries_at_once + 10;
    for (let i = 0; i < count; i++) {
      open(`s${i}`, 5);
    }
    time.pass(6000);
    expect(asked).to.have.lengthOf(limits.expiries_at_once);
    for (const resolve of waiting.splice(0)) {
      resolve();
    }
    await turn();
    time.pass(1);
    expect(new Set(asked).size).to.equal(count);
  });

  it("ask again later where they were refused", async () => {
    answer = async () => asked.length > 1;
    open("s1", 5);
    time.pass(5000);
    await turn();
    expect(asked).to.deep.equal(["s1"]);
    time.pass(limits.expiry_retry_ms);
    expect(asked).to.deep.equal(["s1", "s1"]);
    await turn();
    time.pass(60_000);
    expect(asked).to.have.lengthOf(2);
  });

  it("do not keep what stopped long before its deadline", () => {
    for (let i = 0; i < 10_000; i++) {
      open(`s${i}`, 86_400);
      workspace.submit(end(admin, `s${i}`));
    }
    expect(timers.size).to.be.below(3000);
  });

  it("keep the idle deadline that an action has moved", () => {
    timers.onDecided(workspace.submit(start(admin, "s1", { idle_timeout_seconds: 5 })).events);
    time.pass(3000);
    workspace.now = time.wall;
    workspace.submit(intercept(admin, "s1"));
    time.pass(4999);
    expect(asked).to.deep.equal([]);
    time.pass(1);
    expect(asked).to.deep.equal(["s1"]);
  });

  it("keep the lease that a sign of life has moved, and ask again for a session that goes on", async () => {
    lease_deadline = time.wall + 5000;
    timers.onDecided(workspace.submit(start(admin, "s1")).events);
    time.pass(3000);
    lease_deadline = time.wall + 5000;
    time.pass(4999);
    expect(asked).to.deep.equal([]);
    time.pass(1);
    expect(asked).to.deep.equal(["s1"]);
    lease_deadline = time.wall + 5000;
    await turn();
    time.pass(5000);
    expect(asked).to.deep.equal(["s1", "s1"]);
  });

  it("are silent once they are stopped", () => {
    open("s1", 5);
    timers.stop();
    time.pass(6000);
    expect(asked).to.deep.equal([]);
    expect(time.tasks).to.equal(0);
  });
});
