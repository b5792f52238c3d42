import { expect } from "chai";
import { judge, verdictOf } from "./evidence.js";
import {
  at,
  type Draft,
  decided,
  ended,
  exceeded,
  halted,
  issued,
  killed,
  made,
  operator,
  paused,
  resumed,
  revoked,
  started,
  system,
  totals,
} from "./made.js";

const halt = (sequence: number) => ({ event: "halt_requested", sequence });
const lifted = (order: Draft): Draft => ({
  event: "halt_lifted",
  actor: operator,
  halt_id: order.halt_id,
  reason: "",
});
const ttl = (seconds: number) => ({ budgets: { ttl_seconds: seconds }, expires_at: at(1 + seconds) });
const expired = (session_id: string, stop_reason: string, deadline: number): Draft => ({
  event: "session_expired",
  session_id,
  agent_id: "bot",
  stop_reason,
  deadline_at: at(deadline),
  halt_id: `halt_of_${session_id}`,
  ...totals(0),
});
const raised = (session_id: string, unit: string, from: number | null, to: number, more = {}): Draft => ({
  event: "budget_raised",
  session_id,
  unit,
  from,
  to,
  expires_at: null,
  reason: "",
  actor: operator,
  ...more,
});
const heartbeat = (
  decisions: number,
  terminations: number,
  live_sessions: number,
  tree: object | null = null,
) => ({
  event: "heartbeat",
  interval_seconds: 60,
  decisions,
  terminations,
  live_sessions,
  tree,
  witness: null,
});
const lease_lost = (on_lease_lost: string, more = {}): Draft => ({
  event: "lease_lost",
  session_id: "s",
  lease_seconds: 2,
  on_lease_lost,
  last_heard_at: at(0),
  ...more,
});
const leased = (on_lease_lost: string) => started("s", { lease_seconds: 2, on_lease_lost });
const escalation = (event: string, more = {}): Draft => ({
  event,
  session_id: "s",
  escalation_id: "esc_1",
  decision_id: "enf_x",
  ...more,
});
const opened = escalation("escalation_opened", { expires_at: at(90) });
const resolved = (resolution: string) => escalation("escalation_resolved", { resolution, reason: null });
const agent: Draft = {
  event: "agent_registered",
  agent_id: "bot",
  name: "bot",
  framework: "custom",
  profile: {},
};
const child = (id: string, parent: string, more = {}) => started(id, { parent_session_id: parent, ...more });

const whole = halted("workspace", "ws", 1, { mode: "pause" });
const two_halts = [
  halted("agent", "bot", 1, { mode: "pause" }),
  halted("label", "x", 0, { mode: "pause" }),
] as const;
const held = { tokens: 300, cost_usd_micros: 0 };
const none = { tokens: 0, cost_usd_micros: 0 };
const first = decided("s", "allow", 1, { reservation: held, reserved: held });
const settled = (session_id: string, spent: number, more = {}): Draft => ({
  event: "reservation_settled",
  session_id,
  decision_id: first.decision_id,
  outcome: "settled",
  spent: { ...none, tokens: spent },
  reported: null,
  consumed: { actions: 1, cost_usd_micros: 0, tokens: spent },
  reserved: none,
  ...more,
});

/** What a log does after its genesis, and what the verifier says of it. Entry n is the n-th from 1. */
const logs: readonly (readonly [claim: string, drafts: readonly Draft[], verdict: string])[] = [
  // What heartbeats count.
  [
    "a heartbeat counts decisions of every verdict, terminate verdicts, and live sessions",
    [
      started("s", { budgets: { max_actions: 1 } }),
      started("t"),
      decided("s", "allow", 1),
      decided(null, "block", 0),
      exceeded("s", "s", 1),
      killed("s", "budget_exceeded", { event: "budget_exceeded", sequence: 5 }, 1),
      decided("s", "terminate", 1, { cause: { event: "session_killed", sequence: 6 } }),
      heartbeat(3, 1, 1),
    ],
    "verified",
  ],
  [
    "a kill without a terminate verdict is no termination",
    [started("s"), halted("session", "s", 1), killed("s", "manual", halt(2)), heartbeat(0, 1, 0)],
    "behaviour.heartbeat 4",
  ],
  [
    "a paused session is live",
    [started("s"), whole, paused("s", "halt_requested", 2), heartbeat(0, 0, 1)],
    "verified",
  ],
  ["an ended session is not live", [started("s"), ended("s"), heartbeat(0, 0, 1)], "behaviour.heartbeat 3"],
  [
    "a heartbeat speaks of no tree larger than the log before it",
    [heartbeat(0, 0, 0, { size: 2, root: "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" })],
    "behaviour.heartbeat 1",
  ],
  [
    "a heartbeat may speak of the empty tree",
    [heartbeat(0, 0, 0, { size: 0, root: "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" })],
    "verified",
  ],

  // Agents and credentials.
  ["an agent may be registered again", [agent, agent], "verified"],
  [
    "to be registered again brings a revoked agent nothing",
    [revoked("agent_revoked", "bot", []), agent, started("s")],
    "behaviour.start_while_stopped 3",
  ],
  ["a credential's id is given once", [issued("c"), issued("c")], "behaviour.transition 2"],
  [
    "a credential that a session named may be issued later",
    [started("s", { credential_id: "c" }), issued("c")],
    "verified",
  ],
  ["a credential needs a parent that is known", [issued("c", "p")], "behaviour.unknown_reference 1"],
  [
    "what was never issued nor named is not revoked",
    [revoked("credential_revoked", "c", [])],
    "behaviour.unknown_reference 1",
  ],
  [
    "a credential named by a session can be revoked",
    [
      started("s", { credential_id: "c" }),
      revoked("credential_revoked", "c", ["s"]),
      killed("s", "credential_revoked", { event: "credential_revoked", sequence: 2 }),
    ],
    "verified",
  ],
  [
    "a cascade to the agent stops its sessions on other credentials",
    [
      issued("c"),
      started("s"),
      revoked("credential_revoked", "c", ["s"], { cascade: "agent" }),
      killed("s", "credential_revoked", { event: "credential_revoked", sequence: 3 }),
    ],
    "verified",
  ],
  [
    "… every one of them",
    [issued("c"), started("s"), revoked("credential_revoked", "c", [], { cascade: "agent" })],
    "behaviour.no_end 3",
  ],
  [
    "… and lets new ones start on those",
    [
      issued("c"),
      revoked("credential_revoked", "c", [], { cascade: "agent" }),
      started("s"),
      decided("s", "allow", 1),
    ],
    "verified",
  ],
  [
    "without that cascade they go on",
    [issued("c"), started("s"), revoked("credential_revoked", "c", [])],
    "verified",
  ],
  [
    "a revocation of a credential says nothing of another agent's",
    [
      issued("c"),
      started("s", { agent_id: "other" }),
      revoked("credential_revoked", "c", ["s"], { cascade: "agent" }),
      killed("s", "credential_revoked", { event: "credential_revoked", sequence: 3 }),
    ],
    "behaviour.kill_without_cause 4",
  ],
  [
    "a credential under a revoked one is stopped",
    [
      issued("p"),
      issued("c", "p"),
      revoked("credential_revoked", "p", []),
      decided(null, "allow", 0, { agent_id: null, credential_id: "c" }),
    ],
    "behaviour.allow_while_halted 4",
  ],
  [
    "the credentials of a revoked agent are revoked",
    [
      issued("c"),
      revoked("agent_revoked", "bot", [], { revoked_credentials: ["c"] }),
      decided(null, "allow", 0, { agent_id: "other", credential_id: "c" }),
    ],
    "behaviour.allow_while_halted 3",
  ],
  [
    "a block for a revoked agent is right",
    [revoked("agent_revoked", "bot", []), decided(null, "block", 0)],
    "verified",
  ],
  [
    "a revoked agent takes its own sessions with it, and no other's",
    [
      started("s", { agent_id: "other" }),
      revoked("agent_revoked", "bot", ["s"]),
      killed("s", "agent_revoked", { event: "agent_revoked", sequence: 2 }),
    ],
    "behaviour.kill_without_cause 3",
  ],
  [
    "a credential takes its own sessions with it, and no other's",
    [
      issued("c"),
      started("s"),
      revoked("credential_revoked", "c", ["s"]),
      killed("s", "credential_revoked", { event: "credential_revoked", sequence: 3 }),
    ],
    "behaviour.kill_without_cause 4",
  ],
  [
    "what held nothing is not settled",
    [started("s"), { ...first, reservation: null, reserved: none }, settled("s", 0)],
    "behaviour.unknown_reference 3",
  ],
  [
    "the sessions of a revocation are listed in order",
    [
      issued("c"),
      started("a", { credential_id: "c" }),
      started("b", { credential_id: "c" }),
      revoked("credential_revoked", "c", ["b", "a"]),
      ...["a", "b"].map((s) => killed(s, "credential_revoked", { event: "credential_revoked", sequence: 4 })),
    ],
    "behaviour.cascade_mismatch 4",
  ],

  // Halts, and what stands below.
  [
    "a halt of a session counts its sub-sessions",
    [
      started("s"),
      child("c", "s"),
      halted("session", "s", 2),
      killed("s", "manual", halt(3)),
      killed("c", "halted", halt(3)),
    ],
    "verified",
  ],
  [
    "… and not only itself",
    [
      started("s"),
      child("c", "s"),
      halted("session", "s", 1),
      killed("s", "manual", halt(3)),
      killed("c", "halted", halt(3)),
    ],
    "behaviour.cascade_mismatch 3",
  ],
  [
    "a sub-session may name its parent's kill instead, and is not counted then",
    [
      started("s"),
      child("c", "s"),
      halted("session", "s", 1),
      killed("s", "manual", halt(3)),
      killed("c", "parent_stopped", { event: "session_killed", sequence: 4 }),
    ],
    "verified",
  ],
  [
    "manual is the stop of the very session that was named",
    [
      started("s"),
      child("c", "s"),
      halted("session", "s", 2),
      killed("s", "manual", halt(3)),
      killed("c", "manual", halt(3)),
    ],
    "behaviour.kill_without_cause 5",
  ],
  [
    "a sub-session that outlives its parent's halt is found at the halt",
    [started("s"), child("c", "s"), halted("session", "s", 1), killed("s", "manual", halt(3))],
    "behaviour.no_end 3",
  ],
  [
    "a sub-session that outlives its parent's end is found at the end",
    [started("s"), child("c", "s"), ended("s")],
    "behaviour.no_end 3",
  ],
  [
    "a sub-session ends with its parent",
    [started("s"), child("c", "s"), ended("s"), ended("c", 0, { event: "session_ended", sequence: 3 })],
    "verified",
  ],
  [
    "a sub-session is killed with a parent that expired",
    [
      started("s", ttl(1)),
      child("c", "s"),
      expired("s", "ttl_expired", 2),
      killed("c", "parent_stopped", { event: "session_expired", sequence: 3 }),
    ],
    "verified",
  ],
  [
    "a parent is not killed for its sub-session",
    [
      started("s"),
      child("c", "s"),
      ended("c"),
      killed("s", "parent_stopped", { event: "session_ended", sequence: 3 }),
    ],
    "behaviour.kill_without_cause 4",
  ],
  [
    "nothing starts below what has ended",
    [started("s"), ended("s"), child("c", "s")],
    "behaviour.start_while_stopped 3",
  ],
  [
    "a halt of the parent's label reaches the sub-session",
    [
      started("s", { labels: ["x"] }),
      child("c", "s", { agent_id: null }),
      halted("label", "x", 2),
      killed("s", "halted", halt(3)),
      killed("c", "halted", halt(3)),
    ],
    "verified",
  ],
  [
    "a halt does not kill what started after it was lifted",
    [two_halts[0], lifted(two_halts[0]), started("s"), killed("s", "halted", halt(1))],
    "behaviour.kill_without_cause 4",
  ],
  [
    "a pause order kills nothing",
    [started("s"), whole, killed("s", "halted", halt(2))],
    "behaviour.kill_without_cause 3",
  ],
  [
    "a pause order that a session does not follow is found",
    [started("s"), { ...whole, session_count: 0 }],
    "behaviour.no_end 2",
  ],
  [
    "who ended meanwhile need not be paused",
    [started("s"), { ...whole, session_count: 0 }, ended("s")],
    "verified",
  ],
  [
    "who was paused already stays paused",
    [
      started("s"),
      whole,
      paused("s", "halt_requested", 2),
      { ...whole, halt_id: "halt_more", session_count: 0 },
    ],
    "verified",
  ],
  [
    "a sub-session may be held by its parent's pause",
    [
      started("s"),
      child("c", "s"),
      { ...whole, scope: { kind: "session", id: "s" } },
      paused("s", "halt_requested", 3),
      paused("c", "session_paused", 4),
    ],
    "verified",
  ],
  [
    "a session is not held by a stranger's pause",
    [
      started("s"),
      started("t"),
      { ...whole, scope: { kind: "session", id: "s" } },
      paused("s", "halt_requested", 3),
      paused("t", "session_paused", 4),
    ],
    "behaviour.kill_without_cause 5",
  ],
  [
    "a lifted halt lets sessions go on",
    [
      started("s"),
      whole,
      paused("s", "halt_requested", 2),
      lifted(whole),
      resumed("s"),
      decided("s", "allow", 1),
    ],
    "verified",
  ],
  [
    "a session is not resumed under another halt",
    [
      started("s", { labels: ["x"] }),
      two_halts[0],
      paused("s", "halt_requested", 2),
      { ...two_halts[1], session_count: 0 },
      lifted(two_halts[0]),
      resumed("s"),
    ],
    "behaviour.transition 6",
  ],
  ["a halt is lifted once", [whole, lifted(whole), lifted(whole)], "behaviour.unknown_reference 3"],
  [
    "a halt's id is given once",
    [{ ...whole, session_count: 0 }, lifted(whole), { ...whole, session_count: 0 }],
    "behaviour.transition 3",
  ],
  ["nobody halts a session that is not there", [halted("session", "s", 0)], "behaviour.unknown_reference 1"],
  [
    "the engine lifts no halt",
    [
      { ...whole, session_count: 0 },
      { ...lifted(whole), actor: system },
    ],
    "behaviour.kill_without_actor 2",
  ],
  [
    "a stop_reason of a drill follows from the order",
    [started("s"), halted("session", "s", 1, { drill_id: "d" }), killed("s", "drill", halt(2))],
    "verified",
  ],
  [
    "a terminated session names its own end, and not a cause that is none",
    [
      started("s"),
      halted("session", "s", 1),
      killed("s", "manual", halt(2)),
      decided("s", "terminate", 0, { cause: { event: "session_ended", sequence: 3 } }),
    ],
    "behaviour.terminate_without_cause 4",
  ],
  [
    "a sub-session may be terminated by its ancestor's end",
    [
      started("s"),
      child("c", "s"),
      ended("s"),
      decided("c", "terminate", 0, { cause: { event: "session_ended", sequence: 3 } }),
      ended("c"),
    ],
    "verified",
  ],
  [
    "a policy that terminates kills",
    [
      {
        event: "policy_changed",
        change: "created",
        policy_id: "p",
        version: 1,
        policy: { decision: "terminate" },
        policy_set_digest: "0".repeat(64),
      },
      started("s"),
      killed("s", "policy", { event: "policy_changed", sequence: 1 }),
    ],
    "verified",
  ],
  [
    "a policy that blocks does not",
    [
      {
        event: "policy_changed",
        change: "created",
        policy_id: "p",
        version: 1,
        policy: { decision: "block" },
        policy_set_digest: "0".repeat(64),
      },
      started("s"),
      killed("s", "policy", { event: "policy_changed", sequence: 1 }),
    ],
    "behaviour.kill_without_cause 3",
  ],

  // Budgets.
  [
    "an ancestor's budget is stated with the ancestor's numbers, and the ancestor dies of it",
    [
      started("s", { budgets: { max_actions: 1 } }),
      child("c", "s"),
      decided("c", "allow", 1),
      exceeded("c", "s", 1),
      killed("s", "budget_exceeded", { event: "budget_exceeded", sequence: 4 }, 1),
      killed("c", "parent_stopped", { event: "session_killed", sequence: 5 }, 1),
    ],
    "verified",
  ],
  [
    "… and not the session that asked",
    [
      started("s", { budgets: { max_actions: 1 } }),
      child("c", "s"),
      decided("c", "allow", 1),
      exceeded("c", "s", 1),
      killed("c", "budget_exceeded", { event: "budget_exceeded", sequence: 4 }, 1),
    ],
    "behaviour.kill_without_cause 5",
  ],
  [
    "… and if it does not, that is found",
    [
      started("s", { budgets: { max_actions: 1 } }),
      child("c", "s"),
      decided("c", "allow", 1),
      exceeded("c", "s", 1),
    ],
    "behaviour.no_end 4",
  ],
  [
    "a budget is stated with the limit in force",
    [started("s", { budgets: { max_actions: 1 } }), decided("s", "allow", 1), exceeded("s", "s", 2)],
    "behaviour.count_mismatch 3",
  ],
  [
    "… and with what is spent",
    [
      started("s", { budgets: { max_actions: 2 } }),
      decided("s", "allow", 1),
      exceeded("s", "s", 2, { requested: 3 }),
    ],
    "behaviour.count_mismatch 3",
  ],
  [
    "… and with what happens",
    [started("s", { budgets: { max_actions: 0 } }), exceeded("s", "s", 0, { on_exceeded: "pause" })],
    "behaviour.count_mismatch 2",
  ],
  [
    "a stranger's budget stops nobody",
    [started("s", { budgets: { max_actions: 0 } }), started("t"), exceeded("t", "s", 0)],
    "behaviour.count_mismatch 3",
  ],
  [
    "a block and an escalate consume an action",
    [started("s"), decided("s", "block", 1), decided("s", "escalate", 2)],
    "verified",
  ],
  [
    "a terminate consumes none",
    [
      started("s"),
      ended("s"),
      decided("s", "terminate", 1, { cause: { event: "session_ended", sequence: 2 } }),
    ],
    "behaviour.count_mismatch 3",
  ],
  [
    "a parent counts its sub-sessions' actions",
    [started("s"), child("c", "s"), decided("c", "allow", 1), decided("s", "allow", 2)],
    "verified",
  ],
  [
    "a parent's pause holds its sub-session, and what is asked meanwhile costs nothing",
    [
      started("s", { budgets: { max_actions: 0 }, on_exceeded: "pause" }),
      child("c", "s"),
      exceeded("s", "s", 0, { on_exceeded: "pause" }),
      paused("s", "budget_exceeded", 3),
      decided("c", "block", 0),
    ],
    "verified",
  ],
  [
    "a sub-session gets no allow while its parent is paused",
    [
      started("s", { budgets: { max_actions: 0 }, on_exceeded: "pause" }),
      child("c", "s"),
      exceeded("s", "s", 0, { on_exceeded: "pause" }),
      paused("s", "budget_exceeded", 3),
      decided("c", "allow", 0),
    ],
    "behaviour.allow_while_paused 5",
  ],
  [
    "an end states the totals",
    [started("s"), decided("s", "allow", 1), ended("s", 0)],
    "behaviour.count_mismatch 3",
  ],
  [
    "what is held and settled moves at the ancestors too",
    [
      started("p", { budgets: { max_tokens: 300 } }),
      child("s", "p"),
      first,
      settled("s", 200),
      ended("p", 0),
    ],
    "behaviour.count_mismatch 5",
  ],
  [
    "a reservation is settled by its own session",
    [started("s"), started("t"), first, settled("t", 0)],
    "behaviour.unknown_reference 4",
  ],
  [
    "a raise raises",
    [
      started("s", { budgets: { max_actions: 1 } }),
      raised("s", "actions", 1, 2),
      decided("s", "allow", 1),
      decided("s", "allow", 2),
    ],
    "verified",
  ],
  [
    "a raise that lowers is none",
    [started("s", { budgets: { max_actions: 2 } }), raised("s", "actions", 2, 2)],
    "behaviour.count_mismatch 2",
  ],
  [
    "a raise starts from the limit in force",
    [started("s", { budgets: { max_actions: 2 } }), raised("s", "actions", 1, 3)],
    "behaviour.count_mismatch 2",
  ],
  [
    "what has no limit cannot be raised",
    [started("s"), raised("s", "actions", null, 3)],
    "behaviour.count_mismatch 2",
  ],
  [
    "a later deadline allows longer",
    [
      started("s", ttl(1)),
      raised("s", "ttl_seconds", 1, 60, { expires_at: at(60) }),
      decided("s", "allow", 1),
    ],
    "verified",
  ],
  [
    "the same deadline is no raise",
    [started("s", ttl(9)), raised("s", "ttl_seconds", 9, 60, { expires_at: at(10) })],
    "behaviour.count_mismatch 2",
  ],
  [
    "a session expires at its deadline, not after it",
    [started("s", ttl(1)), expired("s", "ttl_expired", 2)],
    "verified",
  ],
  [
    "an earlier deadline is no raise",
    [started("s", ttl(9)), raised("s", "ttl_seconds", 9, 60, { expires_at: at(9) })],
    "behaviour.count_mismatch 2",
  ],
  [
    "a parent's deadline binds its sub-session",
    [started("s", ttl(1)), child("c", "s"), decided("c", "allow", 1)],
    "behaviour.allow_after_expiry 3",
  ],
  [
    "idle deadlines are believed, once they are over",
    [started("s"), expired("s", "idle_timeout", 2)],
    "verified",
  ],
  ["… and not before", [started("s"), expired("s", "idle_timeout", 3)], "behaviour.transition 2"],
  ["without a ttl none is over", [started("s"), expired("s", "ttl_expired", 1)], "behaviour.transition 2"],

  // Leases.
  [
    "a lost lease pauses, if so asked",
    [leased("pause"), lease_lost("pause"), paused("s", "lease_lost", 2)],
    "verified",
  ],
  ["… and no pause is found", [leased("pause"), lease_lost("pause")], "behaviour.no_end 2"],
  [
    "a lost lease is let go on, if so asked",
    [leased("continue"), lease_lost("continue"), decided("s", "allow", 1)],
    "verified",
  ],
  [
    "a lease is not lost before its time",
    [leased("kill"), lease_lost("kill", { last_heard_at: at(1) })],
    "behaviour.transition 2",
  ],
  [
    "a lease that the session does not have is not lost",
    [started("s"), lease_lost("kill")],
    "behaviour.transition 2",
  ],
  [
    "a lease is as long as its session's",
    [leased("kill"), lease_lost("kill", { lease_seconds: 1 })],
    "behaviour.transition 2",
  ],
  [
    "what is done about it was said at the start",
    [leased("kill"), lease_lost("continue")],
    "behaviour.transition 2",
  ],

  // Escalations.
  [
    "an approved repeat is not counted again",
    [
      started("s"),
      decided("s", "escalate", 1, { escalation_id: "esc_1" }),
      opened,
      resolved("approved"),
      decided("s", "allow", 1, { escalation_id: "esc_1" }),
    ],
    "verified",
  ],
  [
    "a repeat without approval is",
    [
      started("s"),
      decided("s", "escalate", 1, { escalation_id: "esc_1" }),
      opened,
      resolved("rejected"),
      decided("s", "block", 1, { escalation_id: "esc_1" }),
    ],
    "behaviour.count_mismatch 5",
  ],
  [
    "an approved repeat that is blocked all the same is counted",
    [
      started("s"),
      decided("s", "escalate", 1, { escalation_id: "esc_1" }),
      opened,
      resolved("approved"),
      decided("s", "block", 2, { escalation_id: "esc_1" }),
    ],
    "verified",
  ],
  [
    "an approved repeat with a warning is not",
    [
      started("s"),
      decided("s", "escalate", 1, { escalation_id: "esc_1" }),
      opened,
      resolved("approved"),
      decided("s", "allow_with_warning", 1, { escalation_id: "esc_1" }),
    ],
    "verified",
  ],
  [
    "who has ended may still be refused",
    [started("s"), opened, ended("s"), resolved("rejected")],
    "verified",
  ],
  [
    "another session's approval pays for nothing",
    [
      started("s"),
      started("t"),
      decided("s", "escalate", 1, { escalation_id: "esc_1" }),
      opened,
      resolved("approved"),
      decided("t", "allow", 0, { escalation_id: "esc_1" }),
    ],
    "behaviour.count_mismatch 6",
  ],
  [
    "an escalation is answered once",
    [started("s"), opened, resolved("rejected"), resolved("approved")],
    "behaviour.unknown_reference 4",
  ],
  [
    "an allow names no escalation that was never opened",
    [started("s"), decided("s", "allow", 0, { escalation_id: "esc_1" })],
    "behaviour.unknown_reference 2",
  ],
  [
    "nothing is approved under a halt",
    [started("s"), opened, whole, paused("s", "halt_requested", 3), resolved("approved")],
    "behaviour.approved_after_end 5",
  ],
  [
    "nothing is approved below what has ended",
    [started("p"), child("s", "p"), opened, ended("p"), resolved("approved")],
    "behaviour.approved_after_end 5",
  ],

  // Order and ids.
  ["a session starts once", [started("s"), { ...started("s"), session_index: 0 }], "behaviour.transition 2"],
  ["a session starts with index 0", [{ ...started("s"), session_index: 1 }], "behaviour.session_index 1"],
  [
    "a decision's id is given once",
    [
      started("s"),
      decided("s", "allow", 1, { decision_id: "enf" }),
      decided("s", "allow", 2, { decision_id: "enf" }),
    ],
    "behaviour.transition 3",
  ],
  [
    "a paused session is not paused again",
    [started("s"), whole, paused("s", "halt_requested", 2), paused("s", "halt_requested", 2)],
    "behaviour.transition 4",
  ],
  ["a running session is not resumed", [started("s"), resumed("s")], "behaviour.transition 2"],
  [
    "an ended session exceeds nothing",
    [started("s", { budgets: { max_actions: 0 } }), ended("s"), exceeded("s", "s", 0)],
    "behaviour.transition 3",
  ],
  [
    "a stop is acknowledged by its own id",
    [
      started("s"),
      ended("s"),
      {
        event: "halt_acknowledged",
        session_id: "s",
        halt_id: "halt_of_s",
        via: "stream",
        delivered_at: null,
        acknowledged_at: at(3),
      },
    ],
    "behaviour.ack_without_halt 3",
  ],
  [
    "an expiry can be acknowledged",
    [
      started("s"),
      expired("s", "idle_timeout", 2),
      {
        event: "halt_confirmed",
        session_id: "s",
        halt_id: "halt_of_s",
        evidence: "process_exit",
        confirmed_at: at(3),
        elapsed_ms: 1,
      },
    ],
    "verified",
  ],
  [
    "a notice counts among a session's entries",
    [
      started("s"),
      { event: "notice", session_id: "s", kind: "of_tomorrow", body: {} },
      decided("s", "allow", 1),
    ],
    "verified",
  ],
];

describe("the replay of a log", () => {
  for (const [claim, drafts, verdict] of logs) {
    it(`${claim} (${verdict})`, () => {
      expect(verdictOf(judge(made(drafts)))).to.equal(verdict);
    });
  }

  it("goes on after a finding: each entry has at most one", () => {
    const drafts = [
      started("s"),
      resumed("s"),
      ended("s"),
      decided("s", "allow", 0),
      resumed("s"),
      ended("s", 1),
    ];
    const { failures } = judge(made(drafts));
    expect(failures.map(({ code, sequence }) => `${code} ${sequence}`)).to.deep.equal([
      "behaviour.transition 2",
      "behaviour.action_after_end 4",
      "behaviour.transition 5",
      "behaviour.transition 6",
    ]);
  });

  it("follows parents only so far, so that no bundle makes it slow", () => {
    const chain = Array.from({ length: 66 }, (_, i) =>
      started(`s${i}`, i === 0 ? {} : { parent_session_id: `s${i - 1}` }),
    );
    expect(verdictOf(judge(made(chain.slice(0, 65))))).to.equal("verified");
    expect(verdictOf(judge(made(chain)))).to.equal("behaviour.transition 66");
    const credentials = Array.from({ length: 66 }, (_, i) => issued(`c${i}`, i === 0 ? null : `c${i - 1}`));
    expect(verdictOf(judge(made(credentials.slice(0, 65))))).to.equal("verified");
    expect(verdictOf(judge(made(credentials)))).to.equal("behaviour.transition 66");
  });
});
