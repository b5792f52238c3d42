import { expect } from "chai";
import type { EnforcementDecision } from "../../src/core/event.js";
import type { Verdict } from "../../src/core/event-parts.js";
import type { Session } from "../../src/core/state.js";
import { nextStep } from "../../src/services/next-step.js";

/** What is looked at of a decision. */
function decision(verdict: Verdict, policy_id: string | null = null, reserves = false): EnforcementDecision {
  const triggered = policy_id === null ? [] : [{ policy_id }];
  const reservation = reserves ? { tokens: 1, cost_usd_micros: 0 } : null;
  return { decision: verdict, policies_triggered: triggered, reservation } as unknown as EnforcementDecision;
}

const stopped = { stop: { halt_id: "halt_1" }, pause: null } as unknown as Session;
const ended = { stop: { halt_id: null }, pause: null } as unknown as Session;
const below = { stop: null, pause: { exceeded: null, cause: { event: "session_paused", sequence: 1 } } };
const held = (exceeded: object | null) => ({ stop: null, pause: { exceeded } }) as unknown as Session;

describe("what an agent should do next", () => {
  for (const [claim, given, session, expected] of [
    ["the action", decision("allow"), null, /^Do the action\.$/],
    ["the action, and settle its estimate", decision("allow", null, true), null, /then settle this decision/],
    ["another thing, when a policy blocks", decision("block", "0f1e"), null, /go on without it/],
    ["wait for an operator", decision("block", "__session_paused"), held(null), /resumes the session/],
    ["wait for more budget", decision("block", "__session_paused"), held({}), /raises the budget/],
    [
      "wait for the session above",
      decision("block", "__session_paused"),
      below as unknown as Session,
      /the session above goes on/,
    ],
    ["settle what is open", decision("block", "__budget_reserved"), null, /settle or cancel/],
    ["settle one of too many", decision("block", "__max_concurrent"), null, /settle or cancel/],
    ["stop, when its agent is revoked", decision("block", "__agent_revoked"), null, /and stop/],
    [
      "ask later, while a person decides",
      decision("block", "__escalation_pending"),
      null,
      /watch the escalation/,
    ],
    ["wait for a person", decision("escalate"), null, /until a person has approved it/],
    ["stop and acknowledge", decision("terminate"), stopped, /acknowledge halt_id/],
    ["stop where there is nothing to acknowledge", decision("terminate"), ended, /another session/],
  ] as const) {
    it(`is to do ${claim}`, () => {
      const text = nextStep(given, session);
      expect(text).to.match(expected);
      // Anything but an allow says first what not to do, or to stop.
      expect(/^(Do not do the action|Stop the run)/.test(text)).to.equal(given.decision !== "allow");
    });
  }
});
