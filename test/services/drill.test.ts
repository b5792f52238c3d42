import { expect } from "chai";
import { DrillOutcome, HaltService } from "../../gen/killcord/v1/halt_pb.js";
import { HaltEvidence, HaltPhase, SessionService } from "../../gen/killcord/v1/session_pb.js";
import type { Actor } from "../../src/core/actor.js";
import { limits } from "../../src/limits.js";
import { Drills } from "../../src/services/drill.js";
import type { DrillClient, Rehearsed } from "../../src/services/rehearsal.js";
import { newPlace, type Place, type Running, verifiedFailures } from "../engine/place.js";
import { asking } from "./asking.js";

/** What a client of a drill leaves undone. */
type Omission = "start" | "watch" | "hear" | "stopping" | "stopped" | null;

describe("a drill", () => {
  let place: Place;
  let running: Running;
  let ended: Rehearsed[];
  let omits: Omission;
  let secrets: string[];

  beforeEach(async () => {
    place = await newPlace();
    running = await place.start();
    ended = [];
    secrets = [];
    omits = null;
  });
  afterEach(() => place.remove());

  const never = new Promise<never>(() => {});

  /** A client in this process; its calls go through the same door as a transport's. */
  function client(actor: Actor, drills: Drills): DrillClient {
    const ask = asking(running, actor, drills);
    const { engine } = running;
    const acknowledge = (sessionId: string, haltId: string, phase: HaltPhase, evidence: HaltEvidence) =>
      ask(SessionService.method.acknowledgeHalt, { sessionId, haltId, phase, evidence });
    return {
      start: async (agentId, label) => {
        if (omits === "start") throw new Error("connection refused");
        const { session } = await ask(SessionService.method.startSession, { agentId, label });
        return session?.sessionId ?? "";
      },
      stopped: async (session_id, ready) => {
        if (omits === "watch") return never;
        const reader = { signal: new AbortController().signal };
        for await (const update of engine.follower.session(session_id, reader)) {
          if (update.type !== "state") continue;
          const { stop } = update.session;
          if (stop !== null && omits !== "hear") {
            engine.halts.deliver(update.session, "stream");
            return stop.halt_id ?? "";
          }
          ready();
        }
        return never;
      },
      acknowledge: async (session_id, halt_id, phase) => {
        if (omits === phase) return never;
        if (phase === "stopping")
          await acknowledge(session_id, halt_id, HaltPhase.STOPPING, HaltEvidence.UNSPECIFIED);
        else await acknowledge(session_id, halt_id, HaltPhase.STOPPED, HaltEvidence.TASKS_CANCELLED);
      },
      close: () => {},
    };
  }

  function makeDrills(): Drills {
    const drills: Drills = new Drills(
      running,
      (secret) => {
        secrets.push(secret);
        const [key] = [...running.engine.state.keys.values()].filter(
          ({ name }) => name === "killcord drill client",
        );
        return client({ key_id: key?.key_id ?? "", role: "agent" }, drills);
      },
      (drill) => ended.push(drill),
    );
    return drills;
  }

  async function drill(more: { readonly agentId?: string } = {}, drills = makeDrills()) {
    const reply = asking(running, running.admin, drills)(HaltService.method.drill, more);
    let is_over = false;
    const over = reply.finally(() => {
      is_over = true;
    });
    over.catch(() => {});
    // Lets time pass whenever nothing else moves: whoever waits for a silent client gives up.
    while (!is_over) {
      for (let turns = 0; turns < 200 && !is_over; turns++)
        await new Promise((resolve) => setImmediate(resolve));
      if (!is_over) place.time.pass(limits.drill_step_ms);
    }
    return (await reply).drill ?? expect.fail("it has one");
  }

  const told = async () => {
    await running.settle();
    const events = await running.events();
    return events.slice(events.findIndex(({ event }) => event === "drill_started"));
  };

  it("opens a session, stops it, and is confirmed by its client; all of it is sealed and marked", async () => {
    const report = await drill();
    expect([report.outcome, report.failure]).to.deep.equal([DrillOutcome.CONFIRMED, undefined]);
    const { requestedMs, deliveredMs, acknowledgedMs, confirmedMs } = report;
    for (const ms of [requestedMs, deliveredMs, acknowledgedMs, confirmedMs]) expect(ms).to.be.above(0);
    expect(acknowledgedMs).to.be.at.least(deliveredMs ?? 0);
    expect(confirmedMs).to.be.at.least(acknowledgedMs ?? 0);
    const events = await told();
    expect(events.map(({ event }) => event)).to.deep.equal([
      ...["drill_started", "session_started", "halt_requested", "session_killed"],
      ...["halt_acknowledged", "halt_confirmed", "drill_ended"],
    ]);
    const { drillId, sessionId, haltId } = report;
    expect(events[0]).to.deep.include({ drill_id: drillId, scope: { kind: "agent", id: "killcord-drill" } });
    expect(events[1]).to.include({ drill_id: drillId, session_id: sessionId, agent_id: "killcord-drill" });
    expect(events[2]).to.deep.include({ drill_id: drillId, halt_id: haltId, actor: { ...running.admin } });
    expect(events[3]).to.include({ stop_reason: "drill" });
    expect(events[4]).to.include({ via: "stream" });
    expect(events[6]).to.include({ drill_id: drillId, drill_session_id: sessionId, outcome: "confirmed" });
    const steps = ["requested", "delivered", "acknowledged", "confirmed"];
    const sealed = events[6];
    expect(Object.keys((sealed?.event === "drill_ended" && sealed.elapsed_ms) || {})).to.have.members(steps);
    const ask = asking(running, running.admin);
    const { session } = await ask(SessionService.method.getSession, { sessionId: sessionId ?? "" });
    expect(session?.drillId).to.equal(drillId);
    const { halt } = await ask(HaltService.method.getHalt, { haltId: haltId ?? "" });
    expect(halt?.drillId).to.equal(drillId);
    expect(ended).to.have.lengthOf(1);
    expect(await verifiedFailures(running.vault)).to.deep.equal([]);
  });

  const failures: readonly (readonly [omits: Omission, says: RegExp, reached: readonly string[]])[] = [
    ["start", /no session was opened: connection refused/, []],
    ["watch", /the session's watch told nothing within 5 s/, []],
    ["hear", /the client did not hear of its stop within 5 s/, ["requested"]],
    ["stopping", /did not say that it is stopping within 5 s/, ["requested", "delivered"]],
    ["stopped", /did not say that it has stopped within 5 s/, ["requested", "delivered", "acknowledged"]],
  ];
  for (const [omission, says, reached] of failures) {
    it(`is sealed as unconfirmed when its client does not get over "${omission}"`, async () => {
      omits = omission;
      const report = await drill();
      expect(report.outcome).to.equal(DrillOutcome.UNCONFIRMED);
      expect(report.failure).to.match(says);
      const last = (await told()).find(({ event }) => event === "drill_ended");
      expect(last).to.include({ outcome: "unconfirmed", drill_id: report.drillId });
      const elapsed = (last?.event === "drill_ended" && last.elapsed_ms) || {};
      expect(Object.keys(elapsed)).to.have.members(reached);
      expect(running.engine.state.live_sessions).to.equal(0);
      expect(ended[0]?.failure?.message).to.match(says);
      place.time.pass(limits.halt_confirm_ms);
      await running.settle();
      expect(await verifiedFailures(running.vault)).to.deep.equal([]);
    });
  }

  it("runs under the agent that is named, and orders that stand hold for it", async () => {
    const ask = asking(running, running.admin);
    await ask(HaltService.method.halt, { scope: { kind: 2, id: "loan-bot" } });
    const report = await drill({ agentId: "loan-bot" });
    expect(report.failure).to.include("loan-bot").and.include("halted");
    expect((await told()).at(-1)).to.include({ drill_session_id: null, outcome: "unconfirmed" });
  });

  it("uses one key of its own for a day, of role agent alone, and another when that is revoked", async () => {
    const drills = makeDrills();
    await drill({}, drills);
    await drill({}, drills);
    const keys = () =>
      [...running.engine.state.keys.values()].filter(({ name }) => name.startsWith("killcord drill"));
    expect(keys()).to.have.lengthOf(1);
    expect(new Set(secrets).size).to.equal(1);
    const [{ key_id = "", roles = [], expires_at = null, created_at = 0 } = {}] = keys();
    expect(roles).to.deep.equal(["agent"]);
    expect(expires_at).to.equal(created_at + limits.drill_key_seconds * 1000);
    const revoke = {
      type: "revoke_key",
      actor: running.admin,
      request_id: null,
      key_id,
      reason: "",
    } as const;
    await running.engine.submit(revoke);
    await drill({}, drills).catch(() => {});
    expect(keys()).to.have.lengthOf(2);
    place.time.pass(limits.drill_key_seconds * 1000);
    await drill({}, drills).catch(() => {});
    expect(keys()).to.have.lengthOf(3);
  });

  it("lends its mark to no session that another key opens under its name", async () => {
    const drills = makeDrills();
    expect(drills.of("key_1", "drill_000000000000")).to.equal(null);
    omits = "watch";
    let seen: string | null = "none";
    const reply = drill({}, drills);
    while (!(await running.events()).some(({ event }) => event === "session_started")) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    const begun = (await running.events()).find((each) => each.event === "drill_started");
    const drill_id = begun?.event === "drill_started" ? begun.drill_id : "";
    seen = drills.of(running.admin.key_id as string, drill_id);
    await reply;
    expect(seen).to.equal(null);
  });
});
