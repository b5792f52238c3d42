/** Random work on escalations: asking, answering, repeating, stops, holds, time and restarts. */
import { expect } from "chai";
import fc from "fast-check";
import type { Actor } from "../../src/core/actor.js";
import { system_actor } from "../../src/core/actor.js";
import type { Event } from "../../src/core/event.js";
import { limits } from "../../src/limits.js";
import { createKey, start } from "./asking.js";
import { digest } from "./digest.js";
import { escalate, repeatWith, said } from "./escalating.js";
import { replay, Workspace } from "./workspace.js";

export type EscalationStep =
  | { readonly do: "escalate"; readonly session: number | null; readonly text: string }
  | { readonly do: "repeat"; readonly escalation: number; readonly text: string }
  | { readonly do: "answer"; readonly escalation: number; readonly yes: boolean; readonly by: number }
  | { readonly do: "tick"; readonly escalation: number }
  | { readonly do: "start" | "kill" | "end" | "pause" | "resume"; readonly session: number }
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "crash" };

const few = fc.nat(3);
const text = fc.constantFrom("pay bob", "pay bob", "pay eve");
export const escalation_step: fc.Arbitrary<EscalationStep> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("escalate" as const),
      session: fc.option(few, { freq: 5 }),
      text,
    }),
  },
  { weight: 10, arbitrary: fc.record({ do: fc.constant("repeat" as const), escalation: few, text }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("answer" as const),
      escalation: few,
      yes: fc.constantFrom(true, true, false),
      by: fc.constantFrom(0, 0, 0, 1),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("tick" as const), escalation: few }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom(
        "start" as const,
        "kill" as const,
        "end" as const,
        "pause" as const,
        "resume" as const,
      ),
      session: few,
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.nat(limits.approval_ms) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("crash" as const) }) },
);

/** What came of some steps; each repeat with what the dumb model foretold of it. */
export function run(steps: readonly EscalationStep[]): readonly Event[] {
  const workspace = new Workspace(false);
  const root = workspace.bootstrap();
  const key = (name: string, role: "agent" | "approver"): Actor => {
    workspace.submit(createKey(root, name, { roles: [role] }));
    return { key_id: [...workspace.state.keys.keys()].at(-1) ?? "", role };
  };
  const agent = key("runner", "agent");
  const approver = key("approver", "approver");
  const opened: { readonly id: string; readonly session: string | null; readonly text: string }[] = [];
  let begun = 0;
  const begin = () => workspace.submit(start(agent, `s${begun++}`, { max_actions: 12 }));
  const session = (back: number) => `s${Math.max(begun - 1 - back, 0)}`;
  const escalation = (back: number) => opened[Math.max(opened.length - 1 - back, 0)];
  begin();
  for (const each of steps) {
    switch (each.do) {
      case "escalate": {
        const session_id = each.session === null ? null : session(each.session);
        const of = session_id === null ? undefined : workspace.state.sessions.get(session_id);
        const may = of === undefined || (of.stop === null && of.pause === null && of.actions.spent < 12);
        const id = may ? escalate(workspace, agent, session_id, said(each.text)) : null;
        if (id !== null) {
          opened.push({ id, session: session_id, text: each.text });
        }
        break;
      }
      case "repeat": {
        const named = escalation(each.escalation);
        if (named !== undefined) {
          const foretold = isGood(workspace.log, named.id, workspace.now) && named.text === each.text;
          const of = named.session === null ? undefined : workspace.state.sessions.get(named.session);
          const open = named.session === null || (of?.stop === null && of.pause === null);
          const { events } = workspace.submit(repeatWith(agent, named.session, named.id, said(each.text)));
          const verdict = events.find((event) => event.event === "enforcement_decision");
          const allowed = verdict?.event === "enforcement_decision" && verdict.decision === "allow";
          expect(allowed).to.equal(foretold && open);
        }
        break;
      }
      case "answer": {
        const named = escalation(each.escalation);
        workspace.submit({
          type: "resolve_escalation",
          actor: each.by === 0 ? approver : agent,
          escalation_id: named?.id ?? "esc_0",
          resolution: each.yes ? "approved" : "rejected",
          reason: null,
          unseen: false,
        });
        break;
      }
      case "tick":
        workspace.submit({
          type: "expire_escalation",
          actor: system_actor,
          escalation_id: escalation(each.escalation)?.id ?? "esc_0",
        });
        break;
      case "start":
        begin();
        break;
      case "kill":
      case "pause":
      case "resume": {
        const session_id = session(each.session);
        const reason = "by root";
        const type = `${each.do}_session` as const;
        const more = type === "kill_session" ? { repeat: null } : {};
        workspace.submit({ type, actor: root, session_id, reason, ...more } as never);
        break;
      }
      case "end":
        workspace.submit({ type: "end_session", actor: agent, session_id: session(each.session) });
        break;
      case "wait":
        workspace.now += each.ms;
        break;
      case "crash":
        workspace.crash(workspace.log.length);
    }
  }
  expect(digest(replay(workspace.log))).to.equal(digest(workspace.state));
  return workspace.log;
}

/** From the log alone: whether an escalation was approved, not long ago, and not used. */
function isGood(log: readonly Event[], escalation_id: string, now: number): boolean {
  const of = log.filter((event) => "escalation_id" in event && event.escalation_id === escalation_id);
  const approved = of.find(
    (event) => event.event === "escalation_resolved" && event.resolution === "approved",
  );
  const used = of.some((event) => event.event === "enforcement_decision" && event.decision === "allow");
  return approved !== undefined && !used && now < approved.at + limits.approval_ms;
}
