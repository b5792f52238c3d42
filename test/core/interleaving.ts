/** Random work on a small workspace: a few callers, a few agents, sessions below sessions, and time. */
import fc from "fast-check";
import type { Actor } from "../../src/core/actor.js";
import { system_actor } from "../../src/core/actor.js";
import type { Repeatable } from "../../src/core/command.js";
import type { Reply } from "../../src/core/decision.js";
import type { HaltEvidence, HaltMode, Scope } from "../../src/core/event-halt.js";
import type { Amounts } from "../../src/core/event-parts.js";
import type { Session } from "../../src/core/state.js";
import * as asking from "./asking.js";
import {
  type Asking,
  type Caller,
  type Cost,
  type Lease,
  Model,
  type Opening,
  type Repeat,
  type Unit,
} from "./model.js";
import { type Asked, Workspace } from "./workspace.js";

/** The one label that some sessions have. */
const the_label = "nightly";

/** One step; sessions are named by number, counted from the newest, so that most steps meet live ones. */
export type Step =
  | ({ readonly do: "start"; readonly by: number; readonly parent: number | null; readonly agent: number } & {
      readonly label: string | null;
      readonly max: number | null;
      readonly ttl: number | null;
      readonly idle: number | null;
      readonly lease: Lease | null;
      readonly limits: Pick<Opening, "tokens" | "money" | "waits" | "depth" | "concurrent" | "warn">;
      readonly repeat: Repeat | null;
    })
  | ({ readonly do: "intercept"; readonly by: number; readonly session: number | null } & {
      readonly agent: number;
      readonly asking: Asking;
      readonly repeat: Repeat | null;
    })
  /** Reservations are named by number, counted from the newest. */
  | { readonly do: "settle"; readonly by: number; readonly reservation: number; readonly reported: Cost }
  | { readonly do: "cancel"; readonly by: number; readonly reservation: number }
  | { readonly do: "lapse"; readonly reservation: number }
  | { readonly do: "raise"; readonly session: number; readonly limit: Unit | "ttl"; readonly to: number }
  | { readonly do: "restart" }
  | { readonly do: "touch" | "beat" | "end"; readonly by: number; readonly session: number }
  | { readonly do: "kill"; readonly session: number; readonly repeat: Repeat | null }
  | { readonly do: "halt"; readonly scope: ScopeNamed; readonly mode: HaltMode }
  /** Orders are named by number, counted from the newest. */
  | { readonly do: "lift"; readonly halt: number }
  | { readonly do: "pause" | "resume"; readonly session: number }
  | {
      readonly do: "acknowledge";
      readonly by: number;
      readonly session: number;
      readonly evidence: HaltEvidence | null;
      /** Names another stop than the session's. */
      readonly wrong: boolean;
    }
  | { readonly do: "tick"; readonly session: number }
  | { readonly do: "unconfirm"; readonly session: number; readonly delivered: boolean }
  | { readonly do: "revoke_credential"; readonly credential: number }
  | { readonly do: "revoke_agent"; readonly agent: number }
  | { readonly do: "wait"; readonly ms: number };

/** What an order is on. */
export type ScopeNamed =
  | { readonly kind: "session"; readonly session: number }
  | { readonly kind: "agent"; readonly agent: number }
  | { readonly kind: "credential"; readonly credential: number }
  | { readonly kind: "label" | "workspace" };

const repeat = fc.option(
  fc.record({ key: fc.constantFrom("k1", "k2"), request: fc.constantFrom("a", "a", "a", "b") }),
  { freq: 2 },
);
/** The caller who may do everything is as likely as all others together. */
const by = fc.constantFrom(0, 0, 0, 0, 1, 2, 3, 4);
const agent = fc.constantFrom(0, 1, 2, 3, 3, 3);
const session = fc.constantFrom(0, 0, 0, 1, 1, 2, 3, 4);
const few = fc.option(fc.integer({ min: 0, max: 6 }), { freq: 2 });
const seconds = fc.option(fc.integer({ min: 1, max: 20 }), { freq: 2 });
/** Small enough that most limits are met, with now and then one that no sum may wrap around. */
const amount = fc.oneof(
  { weight: 30, arbitrary: fc.nat(12) },
  { weight: 1, arbitrary: fc.constantFrom(2 ** 53 - 1, 2 ** 53 - 5) },
);
const cost: fc.Arbitrary<Cost> = fc.record({ tokens: amount, money: amount });
const limit = fc.option(
  fc.oneof({ weight: 20, arbitrary: fc.nat(40) }, { weight: 1, arbitrary: fc.constant(2 ** 53 - 1) }),
  { freq: 2 },
);
const limits = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.constant({
      tokens: null,
      money: null,
      waits: false,
      depth: null,
      concurrent: null,
      warn: [],
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      tokens: limit,
      money: limit,
      waits: fc.boolean(),
      depth: fc.option(fc.integer({ min: 1, max: 3 }), { freq: 1 }),
      concurrent: fc.option(fc.integer({ min: 1, max: 3 }), { freq: 1 }),
      warn: fc.constantFrom([], [50], [1, 50, 99]),
    }),
  },
);
const costs: fc.Arbitrary<Asking> = fc.oneof(
  { weight: 2, arbitrary: fc.constant({ cost: null, estimate: null }) },
  { weight: 2, arbitrary: cost.map((each) => ({ cost: each, estimate: null })) },
  { weight: 4, arbitrary: cost.map((each) => ({ cost: null, estimate: each })) },
);
const reservation = fc.constantFrom(0, 0, 0, 1, 1, 2, 3);
const start = fc.record({
  do: fc.constant("start" as const),
  by,
  parent: fc.option(session, { freq: 2 }),
  agent,
  label: fc.constantFrom(null, null, null, the_label),
  max: few,
  ttl: seconds,
  idle: seconds,
  lease: fc.option(
    fc.record({
      seconds: fc.integer({ min: 2, max: 12 }),
      on_lost: fc.constantFrom("kill" as const, "pause" as const, "continue" as const),
    }),
    { freq: 2 },
  ),
  limits,
  repeat,
});
const intercept = fc.record({
  do: fc.constant("intercept" as const),
  by,
  session: fc.option(session, { freq: 12 }),
  agent,
  asking: costs,
  repeat,
});
const scope: fc.Arbitrary<ScopeNamed> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("session" as const), session }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("agent" as const), agent: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("credential" as const), credential: fc.nat(2) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom("label" as const, "workspace" as const) }) },
);
const any_step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("halt" as const),
      scope,
      mode: fc.constantFrom("pause" as const, "pause" as const, "pause" as const, "kill" as const),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("lift" as const), halt: fc.nat(3) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("pause" as const), session }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("resume" as const), session }) },
  {
    weight: 10,
    arbitrary: fc.record({ do: fc.constant("settle" as const), by, reservation, reported: cost }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("cancel" as const), by, reservation }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("lapse" as const), reservation }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("raise" as const),
      session,
      limit: fc.constantFrom("actions" as const, "tokens" as const, "money" as const, "ttl" as const),
      to: fc.nat(60),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "restart" as const }) },
  { weight: 14, arbitrary: start },
  { weight: 40, arbitrary: intercept },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom("touch" as const, "beat" as const, "end" as const),
      by,
      session,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("kill" as const), session, repeat }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("acknowledge" as const),
      by,
      session,
      evidence: fc.option(fc.constantFrom("tasks_cancelled" as const, "process_exit" as const), { freq: 1 }),
      wrong: fc.constantFrom(false, false, false, true),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("tick" as const), session }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("unconfirm" as const), session, delivered: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("revoke_credential" as const), credential: fc.nat(2) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("revoke_agent" as const), agent: fc.nat(2) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.nat(5000) }) },
);

/** A few sessions, then anything. */
export const steps: fc.Arbitrary<readonly Step[]> = fc
  .tuple(fc.array(start, { maxLength: 6, size: "max" }), fc.array(any_step, { maxLength: 60, size: "max" }))
  .map(([openings, rest]) => [...openings, ...rest]);

const agents = ["bot-a", "bot-b", "bot-c"] as const;

/** A workspace with its callers, and the model beside it. */
export class Interleaving {
  readonly workspace: Workspace;
  readonly model: Model;
  readonly #callers: readonly (Caller & { readonly actor: Actor })[];
  readonly #credentials: readonly string[];
  #opened = 0;
  /** Every order that was given, oldest first. */
  readonly #halts: string[] = [];
  /** Every decision that held something, oldest first. */
  readonly #reservations: string[] = [];

  /** @param checks whether each decide is held to its word on the way */
  constructor(checks: boolean) {
    const workspace = new Workspace(checks);
    const actor = workspace.bootstrap();
    this.workspace = workspace;
    workspace.submit(asking.createKey(actor, "plain"));
    const plain = [...workspace.state.keys.keys()][1] as string;
    const issue = (agent_id: string, require_session: boolean): string => {
      workspace.submit({
        type: "issue_credential",
        actor,
        agent_id,
        secret_digest: `secret ${workspace.log.length}`,
        ttl_seconds: null,
        require_session,
        repeat: null,
      });
      return [...workspace.state.keys.keys()].at(-1) as string;
    };
    for (const agent of agents) {
      workspace.submit(asking.start(actor, `first of ${agent}`, { agent_id: agent }));
      workspace.submit({ type: "end_session", actor, session_id: `first of ${agent}` });
    }
    const ids = [issue("bot-a", true), issue("bot-a", false), issue("bot-b", true)] as const;
    this.#credentials = ids;
    const credential = (name: string, agent: string, require_session: boolean) =>
      ({ name, kind: "credential", agent, require_session, actor: { key_id: name, role: "agent" } }) as const;
    this.#callers = [
      { name: "root", kind: "root", agent: null, require_session: false, actor },
      {
        name: plain,
        kind: "plain",
        agent: null,
        require_session: false,
        actor: { key_id: plain, role: "agent" },
      },
      credential(ids[0], "bot-a", true),
      credential(ids[1], "bot-a", false),
      credential(ids[2], "bot-b", true),
    ];
    this.model = new Model((name) =>
      name === ids[0] || name === ids[1] ? "bot-a" : name === ids[2] ? "bot-b" : null,
    );
  }

  /** Takes a step on the workspace alone. Returns what came, in the words of the model. */
  take(step: Step): string {
    if (step.do === "restart") {
      this.workspace.crash(this.workspace.log.length);
      return "";
    }
    const asked = this.#asked(step);
    if (asked === null) {
      return "";
    }
    const { reply, events } = this.workspace.submit(asked);
    this.#halts.push(...events.flatMap((event) => (event.event === "halt_requested" ? [event.halt_id] : [])));
    for (const event of events) {
      if (event.event === "enforcement_decision" && event.reservation !== null) {
        this.#reservations.push(event.decision_id);
      }
    }
    if (step.do === "beat" && reply.type !== "refused") {
      this.workspace.renew(this.#session(step.session));
    }
    return this.#worded(asked, reply);
  }

  /** The model's answer to a step; to be asked before the step is taken. */
  foretell(step: Step): string {
    const at = this.workspace.now;
    const caller = this.#callers["by" in step ? step.by : 0] as Caller;
    switch (step.do) {
      case "start": {
        const { label, max, ttl, idle, lease, limits: more } = step;
        const parent = step.parent === null ? null : this.#session(step.parent);
        const agent = agents[step.agent] ?? null;
        const opening = { id: `s${this.#opened}`, parent, agent, label, max, ttl, idle, lease, ...more };
        return this.model.open(caller, opening, step.repeat, at);
      }
      case "intercept": {
        const id = step.session === null ? null : this.#session(step.session);
        return this.model.intercept(caller, id, agents[step.agent] ?? null, step.asking, step.repeat, at);
      }
      case "settle":
        return this.model.close(caller, this.#reserved(step.reservation), step.reported);
      case "cancel":
        return this.model.close(caller, this.#reserved(step.reservation), null);
      case "lapse":
        return this.model.lapse(this.#reserved(step.reservation));
      case "raise":
        return this.model.raise(this.#session(step.session), step.limit, step.to, at);
      case "restart":
        this.model.restart(at);
        return "";
      case "touch":
      case "beat":
        return this.model.touch(caller, this.#session(step.session), at, step.do === "beat");
      case "end":
        return this.model.end(caller, this.#session(step.session), at);
      case "kill":
        return this.model.kill(caller, this.#session(step.session), step.repeat, at);
      case "halt":
        return this.model.halt(this.#scope(step.scope), step.mode, at);
      case "lift":
        return this.model.lift(this.#halts.length - 1 - step.halt, at);
      case "pause":
        return this.model.pause(this.#session(step.session), at);
      case "resume":
        return this.model.resume(this.#session(step.session), at);
      case "acknowledge":
        return this.model.acknowledge(caller, this.#session(step.session), step.wrong);
      case "tick":
        this.model.tick(this.#session(step.session), at);
        return "done";
      case "unconfirm":
        return "done";
      case "revoke_credential":
        this.model.revokeCredential(this.#credentials[step.credential] as string);
        return "revoked";
      case "revoke_agent":
        this.model.revokeAgent(agents[step.agent] as string);
        return "revoked";
      case "wait":
        return "";
    }
  }

  /** What is to be seen of every session, in the words of the model. */
  view(): readonly string[] {
    return [...this.workspace.state.sessions.values()]
      .filter((each) => !each.session_id.startsWith("first"))
      .map((each) => {
        const budgets = budget_names.map(([name, unit]) => {
          const { spent, reserved, overrun, limit: most } = each[unit];
          const warned = each.warned_percent[unit];
          return `${name} ${spent}+${reserved}+${overrun}/${most ?? 2 ** 53 - 1} warned ${warned}`;
        });
        const { session_id, open_reservations } = each;
        return `${session_id} ${reasonOf(each) ?? each.status} ${budgets.join(" ")} open ${open_reservations}`;
      });
  }

  /** Number of a reservation, in the order in which they were made; one that is not there where there is none. */
  #reserved(back: number): number {
    return this.#reservations.length - 1 - back;
  }

  #session(back: number): string {
    return `s${Math.max(this.#opened - 1 - back, 0)}`;
  }

  #scope(named: ScopeNamed): Scope {
    switch (named.kind) {
      case "session":
        return { kind: "session", id: this.#session(named.session) };
      case "agent":
        return { kind: "agent", id: agents[named.agent] as string };
      case "credential":
        return { kind: "credential", id: this.#credentials[named.credential] as string };
      case "label":
        return { kind: "label", id: the_label };
      case "workspace":
        return { kind: "workspace", id: this.workspace.state.workspace_id };
    }
  }

  #asked(step: Step): Asked | null {
    const actor = (this.#callers["by" in step ? step.by : 0] as { readonly actor: Actor }).actor;
    switch (step.do) {
      case "start":
        return asking.start(actor, `s${this.#opened}`, {
          parent_session_id: step.parent === null ? null : this.#session(step.parent),
          agent_id: agents[step.agent] ?? null,
          label: step.label,
          max_actions: step.max,
          ttl_seconds: step.ttl,
          idle_timeout_seconds: step.idle,
          lease_seconds: step.lease?.seconds ?? null,
          on_lease_lost: step.lease?.on_lost ?? null,
          max_tokens: step.limits.tokens,
          max_cost_usd_micros: step.limits.money,
          on_exceeded: step.limits.waits ? "pause" : "terminate",
          max_depth: step.limits.depth,
          max_concurrent: step.limits.concurrent,
          warn_at_percent: step.limits.warn,
          repeat: repeatable("start", step.repeat),
        });
      case "intercept":
        return asking.intercept(actor, step.session === null ? null : this.#session(step.session), {
          agent_id: agents[step.agent] ?? null,
          cost: amountsOf(step.asking.cost),
          estimate: amountsOf(step.asking.estimate),
          repeat: repeatable("intercept", step.repeat),
        });
      case "settle":
      case "cancel":
      case "lapse": {
        const decision_id = this.#reservations[this.#reserved(step.reservation)] ?? "enf_of_nobody";
        if (step.do === "settle") {
          return { type: "settle", actor, decision_id, reported: amountsOf(step.reported) as Amounts };
        }
        return step.do === "cancel"
          ? { type: "cancel_reservation", actor, decision_id }
          : { type: "lapse_reservation", actor: system_actor, decision_id };
      }
      case "raise": {
        const raised = (each: Unit | "ttl") => (step.limit === each ? step.to : null);
        return {
          type: "update_budgets",
          actor,
          session_id: this.#session(step.session),
          max_actions: raised("actions"),
          max_tokens: raised("tokens"),
          max_cost_usd_micros: raised("money"),
          ttl_seconds: raised("ttl"),
          reason: "more",
        };
      }
      case "restart":
        return null;
      case "touch":
      case "beat":
        return { type: "touch_session", actor, session_id: this.#session(step.session) };
      case "end":
        return { type: "end_session", actor, session_id: this.#session(step.session) };
      case "kill": {
        const session_id = this.#session(step.session);
        return {
          type: "kill_session",
          actor,
          session_id,
          reason: "stop",
          repeat: repeatable(`kill|${session_id}`, step.repeat),
        };
      }
      case "halt": {
        const { mode } = step;
        const order = { scope: this.#scope(step.scope), mode, reason: "stop", drill_id: null, repeat: null };
        return { type: "order_halt", actor, ...order };
      }
      case "lift": {
        const halt_id = this.#halts[this.#halts.length - 1 - step.halt] ?? "halt_of_nobody";
        return { type: "lift_halt", actor, halt_id, reason: "go on" };
      }
      case "pause":
        return { type: "pause_session", actor, session_id: this.#session(step.session), reason: "hold" };
      case "resume":
        return { type: "resume_session", actor, session_id: this.#session(step.session), reason: "go on" };
      case "acknowledge": {
        const session_id = this.#session(step.session);
        const named = this.workspace.state.sessions.get(session_id);
        const stop = named?.stop ?? named?.pause ?? null;
        const halt_id = step.wrong ? "halt_of_another" : (stop?.halt_id ?? "none");
        const { evidence } = step;
        const delivered_at = stop?.at ?? null;
        return {
          type: "acknowledge_halt",
          actor,
          session_id,
          halt_id,
          evidence,
          via: "stream",
          delivered_at,
        };
      }
      case "tick":
        return { type: "expire_session", actor: system_actor, session_id: this.#session(step.session) };
      case "unconfirm": {
        const session_id = this.#session(step.session);
        const stopped_at = this.workspace.state.sessions.get(session_id)?.stop?.at ?? null;
        const delivered_at = step.delivered ? stopped_at : null;
        return { type: "unconfirm_halt", actor: system_actor, session_id, confirm_ms: 2000, delivered_at };
      }
      case "revoke_credential":
        return {
          type: "revoke_credential",
          actor,
          credential_id: this.#credentials[step.credential] as string,
          reason: "out",
          repeat: null,
        };
      case "revoke_agent":
        return {
          type: "revoke_agent",
          actor,
          agent_id: agents[step.agent] as string,
          reason: "out",
          repeat: null,
        };
      case "wait":
        this.workspace.now += step.ms;
        return null;
    }
  }

  #worded(asked: Asked, reply: Reply): string {
    switch (reply.type) {
      case "refused":
        return `refused ${reply.code}`;
      case "session":
        if (asked.type === "start_session" && !reply.replayed) {
          this.#opened += 1;
        }
        return `session ${reply.session_id}${reply.replayed ? " replayed" : ""}`;
      case "escalation":
        return `escalation ${reply.escalation_id}`;
      case "policy":
        return `policy ${reply.policy_id} ${reply.version}`;
      case "verdict": {
        const entry = this.workspace.log[reply.sequence];
        const decision = entry?.event === "enforcement_decision" ? entry.decision : entry?.event;
        const id = asked.type === "intercept" ? asked.session_id : null;
        const stopped = id === null ? undefined : this.workspace.state.sessions.get(id);
        const why = decision === "terminate" ? ` ${stopped && reasonOf(stopped)}` : "";
        const again = reply.repeats_terminate_of === null ? "" : " again";
        return `${decision}${why}${again}${reply.replayed ? " replayed" : ""}`;
      }
      case "agent":
      case "key":
        return "revoked";
      case "settlement":
        return reply.sequence === null ? "not open" : "settled";
      case "drill":
        return `drill ${reply.drill_id}`;
      case "halt":
        return "halt";
      case "done":
        return "done";
    }
  }
}

const budget_names = [
  ["actions", "actions"],
  ["tokens", "tokens"],
  ["money", "cost_usd_micros"],
] as const;

function amountsOf(cost: Cost | null): Amounts | null {
  return cost === null ? null : { tokens: cost.tokens, cost_usd_micros: cost.money };
}

function reasonOf({ stop }: Session): string | null {
  return stop === null ? null : (stop.stop_reason ?? "ended");
}

function repeatable(scope: string, step: Repeat | null): Repeatable | null {
  return step === null
    ? null
    : { key_digest: `${scope}|${step.key}`, request_digest: step.request, salt: "", same_request: null };
}
