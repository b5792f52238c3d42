/** What holds under any interleaving. A failure prints the seed and the shortest steps to it. */
import { expect } from "chai";
import fc from "fast-check";
import { system_actor } from "../../src/core/actor.js";
import { decide } from "../../src/core/decide.js";
import type { Event } from "../../src/core/event.js";
import { evolve } from "../../src/core/evolve.js";
import { emptyState, type Session } from "../../src/core/state.js";
import { intercept } from "./asking.js";
import { audit } from "./audit.js";
import { digest } from "./digest.js";
import { Interleaving, type Step, steps } from "./interleaving.js";
import { replay, Workspace } from "./workspace.js";

function whenever(holds: (taken: readonly Step[]) => void, numRuns = 150): void {
  fc.assert(fc.property(steps, holds), { numRuns });
}

function logOf(taken: readonly Step[]): readonly Event[] {
  const run = new Interleaving(false);
  for (const step of taken) {
    run.take(step);
  }
  return run.workspace.log;
}

describe("under any interleaving", () => {
  it("every answer, and every session after it, is the dumb model's", () => {
    whenever((taken) => {
      const run = new Interleaving(false);
      for (const step of taken) {
        const foretold = run.foretell(step);
        expect(run.take(step)).to.equal(foretold);
        expect(run.view()).to.deep.equal(run.model.view());
        const { sessions, halts, live_sessions, paused_sessions } = run.workspace.state;
        const having = (status: string) => [...sessions.values()].filter((each) => each.status === status);
        const [active, paused] = [having("active").length, having("paused").length];
        expect([live_sessions, paused_sessions]).to.deep.equal([active + paused, paused]);
        expect(halts.size).to.equal(run.model.inForce());
      }
    }, 400);
  });

  it("decide writes nothing and is deterministic", () => {
    whenever((taken) => {
      const run = new Interleaving(true);
      for (const step of taken) {
        run.take(step);
      }
    });
  });

  it("the log replays to the state that made it", () => {
    whenever((taken) => {
      const run = new Interleaving(false);
      for (const step of taken) {
        run.take(step);
      }
      const { log, state } = run.workspace;
      expect(digest(replay(log))).to.equal(digest(state));
      expect(state.next_sequence).to.equal(log.length);
    });
  });

  it("the log is what a verifier demands", () => {
    whenever((taken) => {
      expect(audit(logOf(taken))).to.deep.equal([]);
    });
  });

  it("the log cut anywhere, once it is finished, is what a verifier demands", () => {
    fc.assert(
      fc.property(steps, fc.double({ min: 0, max: 1, noNaN: true }), (taken, place) => {
        const workspace = new Workspace(false);
        const whole = logOf(taken);
        for (const event of whole.slice(1, 1 + Math.ceil(place * whole.length))) {
          workspace.apply(event);
        }
        workspace.now = workspace.state.at;
        workspace.submit({ type: "finish_cascades", actor: system_actor });
        expect(audit(workspace.log)).to.deep.equal([]);
        expect(workspace.submit({ type: "finish_cascades", actor: system_actor }).events).to.deep.equal([]);
      }),
      { numRuns: 300 },
    );
  });

  it("no budget is ever overshot, at any entry, on no session and none above it", () => {
    whenever((taken) => {
      const state = emptyState();
      for (const event of logOf(taken)) {
        evolve(state, event);
        for (const session of state.sessions.values()) {
          for (const unit of ["actions", "tokens", "cost_usd_micros"] as const) {
            const { limit, spent, reserved, overrun } = session[unit];
            expect(spent + reserved, unit).to.be.at.most(limit ?? Number.MAX_SAFE_INTEGER);
            expect(
              [spent, reserved, overrun].every((each) => Number.isSafeInteger(each) && each >= 0),
            ).to.equal(true);
          }
        }
      }
    }, 400);
  });

  it("what was spent and what ran over is what agents said, at each session and at all above it", () => {
    whenever((taken) => {
      const log = logOf(taken);
      for (const session of replay(log).sessions.values()) {
        const below = log.filter(
          (each) => "session_id" in each && isUnder(log, each.session_id, session.session_id),
        );
        for (const unit of ["tokens", "cost_usd_micros"] as const) {
          const said = below.reduce((sum, each) => {
            const amounts =
              each.event === "enforcement_decision"
                ? each.charge
                : each.event === "reservation_settled"
                  ? (each.reported ?? each.spent)
                  : null;
            return sum + BigInt(amounts?.[unit] ?? 0);
          }, 0n);
          const { spent, overrun } = session[unit];
          expect(
            overrun === Number.MAX_SAFE_INTEGER || BigInt(spent) + BigInt(overrun) === said,
            `${session.session_id} ${unit}`,
          ).to.equal(true);
        }
      }
    });
  });

  it("nothing but terminate comes under a stopped session", () => {
    whenever((taken) => {
      const log = logOf(taken);
      for (const [sequence, stop] of log.entries()) {
        if (
          stop.event === "session_killed" ||
          stop.event === "session_expired" ||
          stop.event === "session_ended"
        ) {
          const later = log
            .slice(sequence)
            .filter((each) => isAction(each) && isUnder(log, each.session_id, stop.session_id));
          expect(later).to.deep.equal([]);
        }
      }
    });
  });

  it("a terminal session stays as it became", () => {
    whenever((taken) => {
      const run = new Interleaving(false);
      const stopped = new Map<string, string>();
      for (const step of taken) {
        run.take(step);
        for (const [id, session] of run.workspace.state.sessions) {
          if (session.stop !== null) {
            const seen = JSON.stringify([session.status, session.stop, session.actions]);
            expect(stopped.get(id) ?? seen).to.equal(seen);
            stopped.set(id, seen);
          }
        }
      }
    });
  });

  it("nothing but block or terminate comes under a held session, and neither counts", () => {
    whenever((taken) => {
      const log = logOf(taken);
      const held = new Set<string>();
      /** Of held sessions that asked, since the last one went on. */
      const spent = new Map<string, number>();
      for (const event of log) {
        switch (event.event) {
          case "session_paused":
            held.add(event.session_id);
            break;
          case "session_resumed":
            spent.clear();
            held.delete(event.session_id);
            break;
          case "session_killed":
          case "session_expired":
          case "session_ended":
            held.delete(event.session_id);
            break;
          case "enforcement_decision": {
            const { session_id, decision, consumed } = event;
            if (session_id === null || consumed === null) {
              break;
            }
            if ([...held].some((above) => isUnder(log, session_id, above))) {
              expect(decision).to.be.oneOf(["block", "terminate"]);
              expect(consumed.actions).to.equal(spent.get(session_id) ?? consumed.actions);
              spent.set(session_id, consumed.actions);
            }
            break;
          }
          default:
        }
      }
    });
  });

  it("nothing starts and nothing is allowed on a scope with an order in force", () => {
    whenever((taken) => {
      const run = new Interleaving(false);
      for (const step of taken) {
        const { halts, sessions } = run.workspace.state;
        const before = [...halts.values()];
        const size = run.workspace.log.length;
        run.take(step);
        for (const event of run.workspace.log.slice(size)) {
          const opens = event.event === "session_started";
          const allows = event.event === "enforcement_decision" && event.decision === "allow";
          const session = "session_id" in event && event.session_id !== null ? event.session_id : null;
          for (const { scope } of opens || allows ? before : []) {
            const path = session === null ? [] : pathOf(sessions, session);
            const names = [...path, ...(session === null && "agent_id" in event ? [event.agent_id] : [])];
            expect(scope.kind === "workspace" || names.includes(scope.id), JSON.stringify(scope)).to.equal(
              false,
            );
          }
        }
      }
    });
  });

  it("the same idempotency key gets the same decision, or the stop, or the pause", () => {
    whenever((taken) => {
      const run = new Interleaving(false);
      const first = new Map<string, number>();
      for (const step of taken.filter((each) => each.do !== "revoke_agent")) {
        const size = run.workspace.log.length;
        const answer = run.take(step);
        const made = run.workspace.log.at(-1);
        if (
          step.do === "intercept" &&
          made?.event === "enforcement_decision" &&
          made.idempotency !== undefined
        ) {
          const under = `${made.actor.key_id} ${made.session_id} ${made.idempotency.key_digest}`;
          if (run.workspace.log.length > size) {
            expect(answer.startsWith("terminate") || !first.has(under), `${under}: ${answer}`).to.equal(true);
            first.set(under, size);
          }
        }
      }
    });
  });

  it("a session's timer and its next action find the same end", () => {
    whenever((taken) => {
      const run = new Interleaving(false);
      for (const step of taken) {
        run.take(step);
      }
      const { state } = run.workspace;
      const root = { key_id: [...state.keys.keys()][0] as string, role: "admin" } as const;
      for (const session of [...state.sessions.values()].filter((each) => each.stop === null)) {
        const at = run.workspace.now + 6000;
        const { session_id } = session;
        const stamp = { at, request_id: null };
        const timer = decide(state, { type: "expire_session", actor: system_actor, session_id, ...stamp });
        const action = decide(state, { ...intercept(root, session_id), ...stamp } as Parameters<
          typeof decide
        >[1]);
        const ends = action.events.filter((each) => each.event !== "enforcement_decision");
        if (timer.events.length > 0) {
          expect(ends).to.deep.equal(timer.events);
        } else {
          expect(ends.filter((each) => each.event === "session_expired")).to.deep.equal([]);
        }
      }
    });
  });
});

function isAction(event: Event): event is Extract<Event, { event: "enforcement_decision" }> {
  return event.event === "enforcement_decision" && event.decision !== "terminate";
}

/** Names of everything that a session stands on, but for the workspace. */
function pathOf(sessions: ReadonlyMap<string, Session>, session_id: string): readonly (string | null)[] {
  const session = sessions.get(session_id);
  if (session === undefined) {
    return [];
  }
  const { agent_id, credential_id, label, parent_session_id } = session;
  const above = parent_session_id === null ? [] : pathOf(sessions, parent_session_id);
  return [...above, agent_id, credential_id, label, session_id];
}

function isUnder(log: readonly Event[], session_id: string | null, above: string): boolean {
  const start = log.find((each) => each.event === "session_started" && each.session_id === session_id);
  return (
    session_id === above ||
    (start?.event === "session_started" && isUnder(log, start.parent_session_id ?? null, above))
  );
}
