import { expect } from "chai";
import type { Event } from "../../src/core/event.js";
import type { JsonObject } from "../../src/core/policy/document.js";
import { default_loop } from "../../src/core/policy/loop-search.js";
import { limits } from "../../src/limits.js";
import { end, intercept, start } from "./asked.js";
import { newPlace, type Place, type Running } from "./place.js";

const minute_ms = 60_000;

describe("loops", () => {
  let place: Place;
  let running: Running;

  beforeEach(async () => {
    place = await newPlace();
    running = await place.start();
    await running.engine.submit(start(running.admin, "s1"));
  });

  afterEach(() => place.remove());

  type Decided = Extract<Event, { event: "enforcement_decision" }>;

  async function act(more: Parameters<typeof intercept>[2] = {}, session_id = "s1"): Promise<Decided> {
    const { events } = await running.engine.submit(intercept(running.admin, session_id, more));
    return events.find((event): event is Decided => event.event === "enforcement_decision") as Decided;
  }

  const texts = async (contents: string): Promise<readonly Decided[]> => {
    const decided: Decided[] = [];
    for (const content of contents) {
      decided.push(await act({ content }));
    }
    return decided;
  };

  const verdicts = (decided: readonly Decided[]) => decided.map(({ decision }) => decision);

  async function set(conditions: JsonObject, more: JsonObject = {}): Promise<void> {
    await running.engine.submit({
      type: "change_policy",
      actor: running.admin,
      request_id: null,
      change: "deployed",
      policy_id: "a".repeat(32),
      written: { name: "loops", policy_type: "loop", decision: "block", conditions, ...more },
      source: "api",
      repeat: null,
    });
  }

  it("without any policy, the same action again and again is allowed with a warning, which is sealed", async () => {
    const decided = await texts("x".repeat(default_loop.count));
    expect(verdicts(decided)).to.deep.equal(Array(default_loop.count).fill("allow"));
    expect(decided.slice(0, -1).every(({ warnings }) => warnings === undefined)).to.equal(true);
    expect(decided.at(-1)?.warnings).to.deep.equal([
      {
        policy_id: "__loop",
        message: "the same action comes for the 10th time: is this run still getting on?",
      },
    ]);
    expect((await running.events()).at(-1)).to.have.property("warnings");
  });

  it("warns of nothing that says no more than its type, nor of what differs", async () => {
    for (let i = 0; i < 2 * default_loop.count; i++) {
      expect(await act({ metadata: {} })).to.not.have.property("warnings");
      expect(await act({ content: "same", action_type: `type_${i}` })).to.not.have.property("warnings");
      expect(await act({ metadata: { path: `${i}` } })).to.not.have.property("warnings");
    }
  });

  it("a policy of that type takes the warning's place, also one that is switched off", async () => {
    await set({ count: 50, window_seconds: 60 }, { enabled: false });
    const decided = await texts("x".repeat(30));
    expect(decided.some(({ warnings }) => warnings !== undefined)).to.equal(false);
  });

  it("takes metadata for the same in whatever order its members come", async () => {
    await set({ count: 3, window_seconds: 60 });
    const asked = [
      await act({ metadata: { path: "/a", by: { x: 1, y: 2 } } }),
      await act({ metadata: { by: { y: 2, x: 1 }, path: "/a" } }),
      await act({ metadata: { path: "/a", by: { y: 2, x: 1 } } }),
    ];
    expect(verdicts(asked)).to.deep.equal(["allow", "allow", "block"]);
  });

  it("blocks the count-th time within the window, by session, parameters where there is no text", async () => {
    await set({ count: 3, window_seconds: 60 });
    expect(verdicts(await texts("xyxxx"))).to.deep.equal(["allow", "allow", "allow", "block", "block"]);
    expect((await act({ content: "x" })).reasoning).to.equal(
      'policy "loops" blocks this: the same action comes for the 5th time',
    );
    place.time.pass(minute_ms);
    expect(verdicts(await texts("xx"))).to.deep.equal(["allow", "allow"]);
    await running.engine.submit(start(running.admin, "s2"));
    expect((await act({ content: "x" }, "s2")).decision).to.equal("allow");
    const metadata = { path: "/a" };
    const asked = [await act({ metadata }), await act({ metadata }), await act({ metadata: { path: "/b" } })];
    expect(verdicts([...asked, await act({ metadata })])).to.deep.equal(["allow", "allow", "allow", "block"]);
  });

  it("finds a cycle of several actions, and takes one action alone for none", async () => {
    await set({ count: 100, window_seconds: 60, cycle_length_max: 3, cycle_count: 3 });
    expect(verdicts(await texts("abcabcabc")).at(-1)).to.equal("block");
    expect(verdicts(await texts("abdabcabc")).at(-1)).to.equal("allow");
    expect(verdicts(await texts("yzyzyz")).at(-1)).to.equal("block");
    expect(verdicts(await texts("q".repeat(20))).at(-1)).to.equal("allow");
  });

  it("a retry is no second action, and what a pause answers is none", async () => {
    await set({ count: 3, window_seconds: 60 });
    const repeat = { key_digest: "k", request_digest: "r", salt: "0".repeat(32), same_request: null };
    for (let i = 0; i < 5; i++) {
      await running.engine.submit(intercept(running.admin, "s1", { content: "x", repeat }));
    }
    const pause = {
      type: "pause_session",
      session_id: "s1",
      actor: running.admin,
      request_id: null,
    } as const;
    await running.engine.submit({ ...pause, reason: "look" });
    await texts("xxx");
    await running.engine.submit({ ...pause, type: "resume_session", reason: "go on" });
    expect(verdicts(await texts("xx"))).to.deep.equal(["allow", "block"]);
  });

  it("counts anew after a restart, and seals nothing of what actions say", async () => {
    await set({ count: 3, window_seconds: 60 });
    await texts("xx");
    await running.engine.stop();
    running = await place.start();
    expect(verdicts(await texts("xxx"))).to.deep.equal(["allow", "allow", "block"]);
    expect(JSON.stringify(await running.events())).to.not.include('"loops":');
  });

  it("remembers so many sessions, and forgets those that stop or acted longest ago", async () => {
    const { loop_sessions } = limits;
    Object.assign(limits, { loop_sessions: 2 });
    try {
      await set({ count: 2, window_seconds: 60 });
      for (const session_id of ["s2", "s3"]) {
        await running.engine.submit(start(running.admin, session_id));
      }
      const asked: string[] = [];
      for (const session_id of ["s1", "s2", "s3", "s1", "s3"]) {
        asked.push((await act({ content: "x" }, session_id)).decision);
      }
      // The first of s1 was forgotten for that of s3.
      expect(asked).to.deep.equal(["allow", "allow", "allow", "allow", "block"]);
      await running.engine.submit(end(running.admin, "s3"));
    } finally {
      Object.assign(limits, { loop_sessions });
    }
  });
});
