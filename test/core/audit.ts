/**
 * What a verifier demands of a log (vault-format.md, 3 and 9 H), written from that page alone and
 * without any code of src/: a slow second opinion on every log that a test makes. Returns what is
 * wrong, one line each.
 */
import { createHash } from "node:crypto";
import type { Event } from "../../src/core/event.js";
import type { Amounts } from "../../src/core/event-parts.js";
import { book, exceeded, openLedger, type Payer, raised, settled, stated, warned } from "./audit-budgets.js";
import { type Asking, Escalations } from "./audit-escalations.js";

type Of<Name extends Event["event"]> = Extract<Event, { event: Name }>;
type Terminal = Of<"session_killed"> | Of<"session_expired"> | Of<"session_ended">;

interface Run extends Payer {
  readonly sequence: number;
  next_index: number;
  last_action_at: number;
  /** While it is held: since when. */
  held: Of<"session_paused"> | null;
  /** A lost lease, or a budget, that is to hold it. */
  owed: number | null;
  /** For how long it was held since its last action. */
  held_ms: number;
  end: { readonly sequence: number; readonly event: Terminal } | null;
}

class Audit {
  readonly findings: string[] = [];
  readonly runs = new Map<string, Run>();
  readonly log: readonly Event[];
  readonly revoked = new Set<string>();
  readonly ids = new Set<string>();
  readonly escalations = new Escalations();
  /** Orders in force. */
  readonly halts = new Map<string, Of<"halt_requested">>();
  readonly reservations = new Map<string, { readonly session_id: string; readonly held: Amounts }>();
  /** Policies by their ids: the version, and whether it is switched on. */
  readonly policies = new Map<string, { readonly version: number; readonly on: boolean }>();
  policy_set_digest = digestOf([]);
  decisions = 0;
  terminations = 0;
  /** Index of the entry under audit. */
  now = 0;

  constructor(log: readonly Event[]) {
    this.log = log;
  }

  readonly demand = (holds: boolean, claim: string): void => {
    if (!holds) {
      this.findings.push(`@${this.now} ${this.log[this.now]?.event}: ${claim}`);
    }
  };

  fresh(id: string): void {
    this.demand(!this.ids.has(id), `the id ${id} is new`);
    this.ids.add(id);
  }

  /** The session and its parents, itself first. */
  chain(session_id: string | null): Run[] {
    const chain: Run[] = [];
    for (let id = session_id; id !== null; ) {
      const run = this.runs.get(id);
      this.demand(run !== undefined, `the session ${id} is in the log`);
      if (run === undefined) {
        break;
      }
      chain.push(run);
      id = run.start.parent_session_id;
    }
    return chain;
  }

  /** Whether an order in force is on a path. */
  isHalted(chain: readonly Run[]): boolean {
    return [...this.halts.values()].some((halt) => reaches(halt, chain));
  }

  live(): Run[] {
    return [...this.runs.values()].filter((run) => run.end === null);
  }
}

/** Whether an order's scope is on a path. */
function reaches({ scope }: Of<"halt_requested">, chain: readonly Run[]): boolean {
  return (
    scope.kind === "workspace" ||
    chain.some(({ start }) =>
      scope.kind === "label"
        ? start.labels.includes(scope.id)
        : scope.id === start[`${scope.kind as "agent" | "credential" | "session"}_id`],
    )
  );
}

/** @param to_the_end whether the log is whole, so that every order was carried out */
export function audit(log: readonly Event[], to_the_end = true): readonly string[] {
  const audit = new Audit(log);
  for (const [sequence, event] of log.entries()) {
    audit.now = sequence;
    audit.demand(event.at >= (log[sequence - 1]?.at ?? 0), "time does not go back");
    audit.demand((event.event === "vault_opened") === (sequence === 0), "the vault is opened first and once");
    entry(audit, event, sequence);
    index(audit, event);
    decimals(audit, event);
  }
  if (to_the_end && audit.findings.length === 0) {
    for (const session_id of audit.escalations.waitingIn()) {
      audit.demand(
        audit.runs.get(session_id)?.end === null,
        `nothing waits in ${session_id}, which has stopped`,
      );
    }
    const live = audit.live();
    for (const [sequence, event] of log.entries()) {
      audit.now = sequence;
      counted(audit, event, sequence);
      carriedOut(audit, event, sequence, live);
    }
  }
  return audit.findings;
}

function index(audit: Audit, event: Event): void {
  if (!("session_id" in event)) {
    return;
  }
  const run = event.session_id === null ? undefined : audit.runs.get(event.session_id);
  audit.demand(event.session_index === (run?.next_index ?? null), "session_index has no gap");
  if (run !== undefined) {
    run.next_index += 1;
  }
}

/** Each pointer leads, from the object that has the list, to a number that is sealed as text. */
function decimals(audit: Audit, event: Event): void {
  for (const pointer of "_decimals" in event ? (event._decimals ?? []) : []) {
    const names = pointer.split("/").slice(1);
    const value = names.reduce(
      (at: unknown, name) => (at as Record<string, unknown> | undefined)?.[name],
      event,
    );
    audit.demand(typeof value === "string" && `${Number(value)}` === value, `${pointer} is a number as text`);
  }
}

function entry(audit: Audit, event: Event, sequence: number): void {
  switch (event.event) {
    case "session_started":
      started(audit, event, sequence);
      return;
    case "enforcement_decision":
      decided(audit, event);
      return;
    case "budget_exceeded":
      exceedBudget(audit, event);
      return;
    case "budget_raised": {
      const run = audit.runs.get(event.session_id) as Run;
      audit.demand(run.end === null, "the session is live");
      raised(audit.demand, event, run);
      return;
    }
    case "reservation_settled": {
      const reservation = audit.reservations.get(event.decision_id);
      audit.reservations.delete(event.decision_id);
      audit.demand(reservation?.session_id === event.session_id, "the reservation is the session's");
      settled(audit.demand, event, audit.chain(event.session_id), reservation?.held);
      return;
    }
    case "lease_lost":
      lost(audit, event);
      return;
    case "session_killed":
    case "session_expired":
    case "session_ended":
      terminal(audit, event, sequence);
      return;
    case "halt_requested":
    case "credential_revoked":
    case "agent_revoked":
      ordered(audit, event);
      return;
    case "halt_acknowledged":
    case "halt_confirmed":
    case "halt_unconfirmed":
      stepped(audit, event);
      return;
    case "halt_lifted":
      audit.demand(audit.halts.delete(event.halt_id), "the order is in force");
      audit.demand(event.actor.key_id !== null, "a person lifts it");
      return;
    case "session_paused":
      paused(audit, event, sequence);
      return;
    case "session_resumed":
      resumed(audit, event);
      return;
    case "drill_started":
      audit.fresh(event.drill_id);
      return;
    case "drill_ended":
      audit.demand(audit.ids.has(event.drill_id), "the drill was begun");
      return;
    case "credential_issued":
      audit.fresh(event.credential_id);
      return;
    case "api_key_created":
      audit.fresh(event.key_id);
      return;
    case "heartbeat":
      audit.demand(event.decisions === audit.decisions, "decisions are counted");
      audit.demand(event.terminations === audit.terminations, "terminations are counted");
      audit.demand(event.live_sessions === audit.live().length, "live sessions are counted");
      return;
    case "policy_changed":
      changed(audit, event);
      return;
    case "notice":
      warned(audit.demand, event, audit.runs.get(event.session_id ?? ""));
      return;
    case "escalation_opened":
      audit.escalations.opened(audit.demand, event, audit.log[sequence - 1]);
      return;
    case "escalation_resolved":
      audit.escalations.resolved(audit.demand, event, askingOf(audit, event.session_id));
      return;
    case "vault_opened":
    case "agent_registered":
    case "api_key_revoked":
      return;
  }
}

function askingOf(audit: Audit, session_id: string | null): Asking | null {
  const chain = audit.chain(session_id);
  return session_id === null
    ? null
    : {
        ended: chain.some((run) => run.end !== null),
        halted: audit.isHalted(chain),
        started_by: chain.map(({ start }) => start.actor.key_id),
      };
}

function changed(audit: Audit, event: Of<"policy_changed">): void {
  const before = audit.policies.get(event.policy_id);
  audit.demand((event.change === "deleted") === (event.policy === null), "what is deleted has no policy");
  audit.demand(event.policy !== null || before !== undefined, "what is deleted was there");
  const version = (before?.version ?? 0) + (event.policy === null ? 0 : 1);
  audit.demand(event.version === version, "versions have no gap");
  audit.demand(event.policy === null || event.policy.policy_id === event.policy_id, "the policy has its id");
  if (event.policy === null) {
    audit.policies.delete(event.policy_id);
  } else {
    audit.policies.set(event.policy_id, { version, on: event.policy.enabled });
  }
  const in_force = [...audit.policies].filter(([, { on }]) => on);
  audit.policy_set_digest = digestOf(in_force.map(([id, each]) => [id, each.version]));
  audit.demand(event.policy_set_digest === audit.policy_set_digest, "the digest is of what is in force");
}

function digestOf(policies: readonly (readonly [string, number])[]): string {
  const sorted = [...policies].sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(sorted)).digest("hex");
}

function started(audit: Audit, event: Of<"session_started">, sequence: number): void {
  audit.fresh(event.session_id);
  audit.demand(event.drill_id === null || audit.ids.has(event.drill_id), "the drill was begun");
  const above = audit.chain(event.parent_session_id);
  audit.demand(
    above.every((run) => run.end === null),
    "nothing starts under a stopped session",
  );
  audit.demand(!audit.revoked.has(`agent ${event.agent_id}`), "the agent is not revoked");
  audit.demand(!audit.revoked.has(`credential ${event.credential_id}`), "the credential is not revoked");
  audit.demand(!audit.isHalted([{ start: event } as Run, ...above]), "nothing starts under an order");
  audit.demand(
    above.every((run) => run.held === null),
    "nothing starts under a held session",
  );
  const { ttl_seconds } = event.budgets;
  const expires_at = ttl_seconds === null ? null : event.at + ttl_seconds * 1000;
  audit.demand(event.expires_at === expires_at, "expires_at follows from ttl_seconds");
  audit.runs.set(event.session_id, {
    start: event,
    sequence,
    next_index: 0,
    ledger: openLedger(event),
    expires_at: event.expires_at,
    last_action_at: event.at,
    held: null,
    owed: null,
    held_ms: 0,
    end: null,
  });
}

function decided(audit: Audit, event: Of<"enforcement_decision">): void {
  audit.fresh(event.decision_id);
  audit.decisions += 1;
  audit.demand(event.reasoning !== "", "a decision says why");
  audit.demand(event.policy_set_digest === audit.policy_set_digest, "it names what was in force");
  const chain = audit.chain(event.session_id);
  if (event.decision === "terminate") {
    audit.terminations += 1;
    const cause = event.cause;
    audit.demand(
      chain.some((run) => run.end !== null && run.end.sequence === cause?.sequence),
      "terminate names a stop of the session or of one above it",
    );
    const stop = chain[0]?.end?.event;
    const reason = stop === undefined || stop.event === "session_expired" ? null : stop.reason;
    audit.demand(reason === null || reason === event.reasoning, "terminate says why the session stopped");
  } else {
    audit.demand(event.cause === null, "only terminate has a cause");
    audit.demand(
      chain.every((run) => run.end === null),
      "nothing but terminate after a stop",
    );
    const is_held = chain.some((run) => run.held !== null);
    audit.demand(!is_held || event.decision === "block", "nothing but block while it is held");
    for (const run of is_held ? [] : chain) {
      run.held_ms = 0;
      run.last_action_at = event.at;
      audit.demand(event.at < (run.expires_at ?? Number.POSITIVE_INFINITY), "within ttl");
    }
    book(
      audit.demand,
      is_held ? [] : chain,
      { ...event.charge, actions: audit.escalations.actions(audit.demand, event) },
      event.reservation ?? { tokens: 0, cost_usd_micros: 0 },
    );
  }
  audit.demand(
    event.decision === "allow" || (event.charge === null && event.reservation === null),
    "only an allow has a cost",
  );
  audit.demand(event.charge === null || event.reservation === null, "it is charged or held");
  if (event.reservation !== null && event.session_id !== null) {
    const { session_id, reservation: held, decision_id } = event;
    audit.reservations.set(decision_id, { session_id, held });
  }
  if (event.decision === "allow") {
    const caller = { agent_id: event.agent_id, credential_id: event.credential_id, labels: [] as string[] };
    const path = chain.length > 0 ? chain : [{ start: caller } as unknown as Run];
    audit.demand(!audit.isHalted(path), "no order is in force");
    audit.demand(!audit.revoked.has(`agent ${event.agent_id}`), "the agent is not revoked");
    audit.demand(!audit.revoked.has(`credential ${event.credential_id}`), "the credential is not revoked");
  }
  stated(audit.demand, chain[0], event.consumed, event.reserved);
}

function exceedBudget(audit: Audit, event: Of<"budget_exceeded">): void {
  const owner = audit.chain(event.session_id).find((run) => run.start.session_id === event.owner_session_id);
  audit.demand(owner !== undefined, "the owner is the session or one above it");
  audit.demand(owner?.end === null, "the owner is live");
  exceeded(audit.demand, event, owner);
  if (owner !== undefined && event.on_exceeded === "pause") {
    audit.demand(owner.held === null, "the owner is not held yet");
    owner.owed = audit.now;
  }
}

function lost(audit: Audit, event: Of<"lease_lost">): void {
  const run = audit.runs.get(event.session_id);
  audit.demand(run?.end === null, "the session is live");
  audit.demand(event.lease_seconds === run?.start.lease_seconds, "the lease is the session's");
  audit.demand(event.on_lease_lost === run?.start.on_lease_lost, "the ending is the session's");
  audit.demand(event.last_heard_at >= (run?.start.at ?? 0), "it was heard when it started");
  audit.demand(event.at >= event.last_heard_at + event.lease_seconds * 1000, "the lease was over");
  if (run !== undefined && event.on_lease_lost === "pause" && run.held === null) {
    run.owed = audit.now;
  }
}

function terminal(audit: Audit, event: Terminal, sequence: number): void {
  const chain = audit.chain(event.session_id);
  const run = chain[0] as Run;
  audit.demand(run.end === null, "a session stops once");
  stated(audit.demand, run, event.consumed, event.reserved);
  if (event.event === "session_killed") {
    const named = audit.log[event.cause.sequence];
    audit.demand(
      event.cause.sequence < sequence && named?.event === event.cause.event,
      "the cause is earlier",
    );
    audit.demand(event.stop_reason === killReason(event, named, chain), "stop_reason follows from the cause");
    const order_id = named?.event === "halt_requested" ? named.halt_id : event.halt_id;
    audit.demand(event.halt_id === order_id, "the halt_id is the order's");
    audit.demand(event.reason !== "", "a kill says why");
  }
  if (event.event === "session_expired") {
    const { idle_timeout_seconds } = run.start.budgets;
    const idle = run.last_action_at + run.held_ms + (idle_timeout_seconds ?? Number.POSITIVE_INFINITY) * 1000;
    const deadline = event.stop_reason === "ttl_expired" ? run.expires_at : idle;
    audit.demand(event.deadline_at === deadline, "the deadline is the session's");
    audit.demand(event.at >= event.deadline_at, "the deadline has come");
  }
  run.held = null;
  run.end = { sequence, event };
}

function paused(audit: Audit, event: Of<"session_paused">, sequence: number): void {
  const chain = audit.chain(event.session_id);
  const run = chain[0] as Run;
  audit.demand(run.end === null && run.held === null, "an active session is held");
  const named = event.cause === null ? undefined : audit.log[event.cause.sequence];
  audit.demand((event.cause?.sequence ?? sequence) < sequence, "the cause is earlier");
  if (named?.event === "halt_requested") {
    audit.demand(named.mode === "pause" && reaches(named, chain), "the order holds it");
    audit.demand(event.halt_id === named.halt_id, "the halt_id is the order's");
  } else if (named?.event === "lease_lost" || named?.event === "budget_exceeded") {
    audit.demand(run.owed === event.cause?.sequence, "its own lost lease or budget holds it");
  } else {
    const above = chain.slice(1).map(({ start }) => start.session_id);
    audit.demand(
      named?.event === "session_paused" && above.includes(named.session_id),
      "what is above is held",
    );
  }
  run.owed = null;
  run.held = event;
}

function resumed(audit: Audit, event: Of<"session_resumed">): void {
  const chain = audit.chain(event.session_id);
  const run = chain[0] as Run;
  audit.demand(run.end === null && run.held !== null, "a held session goes on");
  audit.demand(!audit.isHalted(chain), "no order holds it");
  audit.demand(
    chain.slice(1).every(({ held }) => held === null),
    "nothing above it is held",
  );
  run.held_ms += event.at - (run.held?.at ?? event.at);
  run.held = null;
}

function killReason(event: Of<"session_killed">, cause: Event | undefined, chain: readonly Run[]): string {
  switch (cause?.event) {
    case "halt_requested": {
      const on_path = cause.mode === "kill" && reaches(cause, chain);
      const ordered = cause.drill_id === null ? null : "drill";
      return !on_path
        ? "not on its path"
        : ordered !== null
          ? ordered
          : cause.scope.kind === "session" && cause.scope.id === event.session_id
            ? "manual"
            : "halted";
    }
    case "policy_changed":
      return cause.policy?.decision === "terminate" ? "policy" : "a policy that stops nothing";
    case "budget_exceeded":
      return cause.owner_session_id === event.session_id && cause.on_exceeded === "terminate"
        ? "budget_exceeded"
        : "another's budget";
    case "lease_lost":
      return cause.session_id === event.session_id && cause.on_lease_lost === "kill"
        ? "lease_lost"
        : "another's lease";
    case "credential_revoked":
    case "agent_revoked":
      return chain.some((run) => onScope(cause, run)) ? cause.event : "not on its path";
    case "session_killed":
    case "session_expired":
    case "session_ended":
      return chain.slice(1).some((run) => run.end?.event === cause) ? "parent_stopped" : "not above it";
    default:
      return "no cause for a kill";
  }
}

/** What is sealed of a stop after it: each step once, and a deadline only where nobody was in time. */
function stepped(
  audit: Audit,
  event: Of<"halt_acknowledged"> | Of<"halt_confirmed"> | Of<"halt_unconfirmed">,
): void {
  const run = audit.chain(event.session_id)[0];
  const stop = run?.end?.event;
  const of_stop_id = stop === undefined || stop.event === "session_ended" ? null : stop.halt_id;
  const halt_id = stop === undefined ? (run?.held?.halt_id ?? null) : of_stop_id;
  audit.demand(event.halt_id === halt_id, "the halt_id is that of the session's stop, or of its pause");
  const of_stop = audit.log
    .slice(0, audit.now)
    .filter((each) => "halt_id" in each && each.halt_id === halt_id && "session_id" in each)
    .filter((each) => "session_id" in each && each.session_id === event.session_id);
  const told = of_stop.map((each) => each.event);
  audit.demand(!told.includes(event.event), "a step is sealed once");
  if (event.event === "halt_acknowledged") {
    audit.demand(!told.includes("halt_confirmed"), "who has stopped is stopping no more");
  }
  if (event.event === "halt_unconfirmed") {
    audit.demand(stop !== undefined, "a pause has no deadline");
    audit.demand(!told.includes("halt_confirmed"), "what is confirmed is not unconfirmed");
    audit.demand(
      event.at >= event.deadline_at && event.deadline_at >= (stop?.at ?? 0),
      "the deadline has come",
    );
    const is_known = told.includes("halt_acknowledged") || event.delivered_at !== null;
    audit.demand(is_known === (event.why === "deadline"), "why is whether a client had heard of it");
    audit.demand(event.actor.role === "system", "the engine finds it");
  }
}

function onScope(order: Of<"credential_revoked"> | Of<"agent_revoked">, run: Run): boolean {
  return (
    (order.agent_id !== null && run.start.agent_id === order.agent_id) ||
    (order.event === "credential_revoked" && run.start.credential_id === order.credential_id)
  );
}

function ordered(
  audit: Audit,
  event: Of<"halt_requested"> | Of<"credential_revoked"> | Of<"agent_revoked">,
): void {
  const { key_id, role } = event.actor;
  audit.demand(key_id !== null && role !== "agent" && role !== "system", "a person orders it");
  if (event.event === "halt_requested") {
    audit.fresh(event.halt_id);
    audit.halts.set(event.halt_id, event);
    if (event.scope.kind === "session") {
      audit.demand(audit.runs.get(event.scope.id)?.end === null, "the session to stop is live");
    }
  } else {
    const scope =
      event.event === "agent_revoked" ? `agent ${event.agent_id}` : `credential ${event.credential_id}`;
    audit.demand(!audit.revoked.has(scope), "revoked once");
    audit.revoked.add(scope);
  }
}

/** At the end: every order stopped exactly what it counted. */
function counted(audit: Audit, event: Event, sequence: number): void {
  if (
    event.event !== "halt_requested" &&
    event.event !== "credential_revoked" &&
    event.event !== "agent_revoked"
  ) {
    return;
  }
  const ids = [...audit.runs.values()]
    .filter(({ end }) => end?.event.event === "session_killed" && end.event.cause.sequence === sequence)
    .map((run) => run.start.session_id)
    .sort();
  if (event.event === "halt_requested") {
    const held = audit.log.filter(
      (each) => each.event === "session_paused" && each.cause?.sequence === sequence,
    );
    audit.demand(event.session_count === ids.length + held.length, "session_count is what it stopped");
  } else {
    audit.demand(event.killed_count === ids.length, "killed_count is what it stopped");
    audit.demand(
      `${event.killed_sessions}` === `${ids.slice(0, 1000)}`,
      "killed_sessions is what it stopped",
    );
  }
}

/** At the end: nothing is live that an order, or the end of one above it, should have stopped. */
function carriedOut(audit: Audit, event: Event, sequence: number, live: readonly Run[]): void {
  for (const { start, held, owed } of live) {
    if (event.event === "session_started" && event.session_id === start.session_id) {
      const chain = audit.chain(start.session_id);
      const holder = (run: Run) => audit.log[run.held?.cause?.sequence ?? -1]?.event ?? "";
      const waits = chain.some((run) => ["lease_lost", "budget_exceeded"].includes(holder(run)));
      audit.demand(
        held === null || audit.isHalted(chain) || waits,
        `${start.session_id} is held by something`,
      );
      audit.demand(held !== null || !audit.isHalted(chain), `${start.session_id} is held by an order`);
      audit.demand(owed === null, `${start.session_id} is held by its lost lease or its budget`);
    }
    audit.demand(
      !audit.chain(start.session_id).some((above) => mustStop(event, sequence, above)),
      `${start.session_id} must have stopped`,
    );
  }
}

function mustStop(event: Event, sequence: number, run: Run): boolean {
  switch (event.event) {
    case "halt_requested":
      return event.mode === "kill" && run.sequence < sequence && reaches(event, [run]);
    case "credential_revoked":
    case "agent_revoked":
      return run.sequence < sequence && onScope(event, run);
    case "budget_exceeded":
      return event.owner_session_id === run.start.session_id && event.on_exceeded === "terminate";
    case "lease_lost":
      return event.session_id === run.start.session_id && event.on_lease_lost === "kill";
    default:
      return run.end?.event === event;
  }
}
