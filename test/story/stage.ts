/** Plays the lines of a story on a workspace. */

import type { Actor, Role } from "../../src/core/actor.js";
import { system_actor } from "../../src/core/actor.js";
import type { Intercept, Repeatable, StartSession } from "../../src/core/command.js";
import type { Decision, Reply } from "../../src/core/decision.js";
import type { OnLeaseLost } from "../../src/core/event.js";
import type { HaltEvidence, HaltVia, Scope } from "../../src/core/event-halt.js";
import type { Amounts } from "../../src/core/event-parts.js";
import { idAt, sequenceOf } from "../../src/core/ids.js";
import type { JsonObject } from "../../src/core/policy/document.js";
import type { Agent, State } from "../../src/core/state.js";
import { audit } from "../core/audit.js";
import { digest } from "../core/digest.js";
import { type Asked, replay, Workspace } from "../core/workspace.js";
import { describeEvent } from "./line.js";
import { Line } from "./script.js";

export class Stage {
  readonly #workspace = new Workspace();
  /** Names that the story gives to keys and credentials, and their ids. */
  readonly #ids = new Map<string, string>();
  readonly #root: Actor;

  constructor() {
    this.#root = this.#workspace.bootstrap();
    this.#ids.set("root", this.#root.key_id as string);
  }

  /** Plays one line; `3 times LINE` plays it thrice. Returns what came of it. */
  play(text: string): readonly string[] {
    const [, times, rest] = /^(?:(\d+) times )?(.*)$/.exec(text) ?? [];
    const came: string[] = [];
    for (let i = 0; i < Number(times ?? 1); i++) {
      came.push(...this.#playOnce(new Line(rest as string)));
    }
    return came;
  }

  /** What a verifier would find, or a restart would get wrong; empty when the story may end here. */
  faults(): readonly string[] {
    const { log, state } = this.#workspace;
    const replayed = digest(replay(log)) === digest(state);
    return [...audit(log), ...(replayed ? [] : ["the replayed state differs from the live one"])];
  }

  #playOnce(line: Line): readonly string[] {
    const verb = line.word(0);
    if (verb === "wait") {
      this.#workspace.now += milliseconds(line.word(1));
      return [];
    }
    if (verb === "cut" || verb === "crash") {
      this.#workspace.crash(Number(line.word(1).slice(1)));
      return verb === "cut" ? [] : this.#submit(line, this.#asked("finish", line));
    }
    return this.#submit(line, this.#asked(verb, line));
  }

  #submit(line: Line, asked: Asked): readonly string[] {
    const first = this.#workspace.log.length;
    const { reply, events } = this.#workspace.submit(asked);
    if (line.words[0] === "beat" && reply.type !== "refused") {
      this.#workspace.renew(line.word(1));
    }
    const alias = line.words[0] === "key" ? line.word(1) : (line.text("as") ?? line.text("credential"));
    for (const event of events) {
      if (alias !== null && event.event === "credential_issued") {
        this.#ids.set(alias, event.credential_id);
      } else if (alias !== null && event.event === "api_key_created") {
        this.#ids.set(alias, event.key_id);
      }
    }
    const lines = events.map((event, i) => `@${first + i} ${describeEvent(event, this.#workspace.log)}`);
    return [...lines, ...this.#answered({ reply, events })].map((text) => this.#named(text));
  }

  /** The reply, where the events do not tell it. */
  #answered({ reply, events }: Decision): readonly string[] {
    if (reply.type === "refused") {
      return [`refused ${reply.code}`];
    }
    return events.length > 0 ? [] : [describeReply(reply, this.#workspace.state)];
  }

  #asked(verb: string, line: Line): Asked {
    const actor = this.#actor(line);
    const repeat = repeatOf(line);
    const reason = line.text("reason") ?? `by ${line.text("by") ?? "root"}`;
    switch (verb) {
      case "start":
        return {
          type: "start_session",
          actor,
          session_id: line.text("session") as string,
          agent_id: line.text("agent"),
          label: line.text("label"),
          credential_id: this.#id(line.text("credential")),
          parent_session_id: line.text("parent"),
          max_actions: line.number("max_actions"),
          ttl_seconds: line.number("ttl_seconds"),
          idle_timeout_seconds: line.number("idle_timeout_seconds"),
          ...limitsOf(line),
          ...leaseOf(line),
          ...(line.text("drill") === null ? {} : { drill_id: this.#drillId(line) as string }),
          repeat,
        };
      case "intercept":
        return {
          type: "intercept",
          actor,
          session_id: line.word(1) === "-" ? null : line.word(1),
          agent_id: line.text("agent"),
          action_type: line.word(2),
          chain: null,
          cost: amountsOf(line.text("cost")),
          estimate: amountsOf(line.text("estimate")),
          content: line.text("text"),
          metadata: quotedJson(line.text("metadata")),
          ...saidIn(line),
          ...escalationOf(line),
          latency_us: 0,
          repeat,
        };
      case "settle":
        return {
          type: "settle",
          actor,
          decision_id: idAt("enf", Number(line.word(1).slice(1))),
          reported: amountsOf(line.text("cost") ?? "0") as Amounts,
        };
      case "cancel":
      case "lapse":
        return {
          type: verb === "cancel" ? "cancel_reservation" : "lapse_reservation",
          actor: verb === "cancel" ? actor : system_actor,
          decision_id: idAt("enf", Number(line.word(1).slice(1))),
        };
      case "raise":
        return {
          type: "update_budgets",
          actor,
          session_id: line.word(1),
          max_actions: line.number("max_actions"),
          max_tokens: line.number("max_tokens"),
          max_cost_usd_micros: line.number("max_cost_usd_micros"),
          ttl_seconds: line.number("ttl_seconds"),
          reason,
        };
      case "beat":
      case "touch":
        return { type: "touch_session", actor, session_id: line.word(1) };
      case "kill":
        return { type: "kill_session", actor, session_id: line.word(1), reason, repeat };
      case "halt":
        return {
          type: "order_halt",
          actor,
          scope: this.#scope(line.word(1)),
          mode: line.words[2] === "pause" ? "pause" : "kill",
          reason,
          drill_id: this.#drillId(line),
          repeat,
        };
      case "lift":
        return { type: "lift_halt", actor, halt_id: idAt("halt", Number(line.word(1).slice(1))), reason };
      case "pause":
        return { type: "pause_session", actor, session_id: line.word(1), reason };
      case "resume":
        return { type: "resume_session", actor, session_id: line.word(1), reason };
      case "end":
        return { type: "end_session", actor, session_id: line.word(1) };
      case "acknowledge":
        return {
          type: "acknowledge_halt",
          actor,
          session_id: line.word(1),
          halt_id: this.#haltId(line),
          evidence: line.text("evidence") as HaltEvidence | null,
          via: (line.text("via") ?? "supervisor") as HaltVia,
          delivered_at: line.text("delivered") === null ? null : this.#workspace.now,
        };
      case "unconfirm":
        return {
          type: "unconfirm_halt",
          actor: system_actor,
          session_id: line.word(1),
          confirm_ms: 10_000,
          delivered_at: line.text("delivered") === null ? null : this.#workspace.now,
        };
      case "answer":
        return {
          type: "resolve_escalation",
          actor,
          escalation_id: idAt("esc", Number(line.word(1).slice(1))),
          resolution: line.word(2) === "approve" ? "approved" : "rejected",
          reason: line.text("reason"),
          unseen: line.text("unseen") !== null,
        };
      case "expire-escalation":
        return {
          type: "expire_escalation",
          actor: system_actor,
          escalation_id: idAt("esc", Number(line.word(1).slice(1))),
        };
      case "expire":
        return { type: "expire_session", actor: system_actor, session_id: line.word(1) };
      case "register":
        return {
          type: "register_agent",
          actor,
          agent_id: line.word(1),
          framework: line.text("framework") ?? "custom",
          profile: line.text("risk") === null ? {} : { risk: line.text("risk") },
          decimals: line.text("risk") === null ? [] : ["/profile/risk"],
          secret_digest: `secret of ${line.text("credential")}`,
        };
      case "issue":
        return {
          type: "issue_credential",
          actor,
          agent_id: line.word(1),
          secret_digest: `secret of ${line.text("credential")}`,
          ttl_seconds: line.number("ttl_seconds"),
          require_session: line.text("require_session") !== "no",
          repeat,
        };
      case "key":
        return {
          type: "create_key",
          actor,
          name: line.word(1),
          roles: (line.text("roles") ?? "agent").split(",") as Role[],
          agent_id: line.text("agent"),
          secret_digest: `secret of ${line.word(1)}`,
          ttl_seconds: line.number("ttl_seconds"),
          repeat,
        };
      case "rotate":
        return {
          type: "rotate_key",
          actor,
          kind: line.word(1) === "key" ? "key" : "credential",
          key_id: this.#id(line.word(2)) as string,
          secret_digest: `secret of ${line.text("as")}`,
          overlap_seconds: line.number("overlap") ?? 0,
          ttl_seconds: line.number("ttl_seconds"),
          repeat,
        };
      case "revoke":
        return this.#revocation(line, actor, reason, repeat);
      case "policy":
        return this.#policy(line, actor);
      case "sum-up":
        return {
          type: "sum_up_terminates",
          actor: system_actor,
          session_id: line.word(1),
          count: line.number("count") as number,
        };
      case "drill":
        return { type: "start_drill", actor, agent_id: line.word(1) };
      case "end-drill":
        return {
          type: "end_drill",
          actor,
          drill_id: this.#drillId(line) as string,
          session_id: line.text("session"),
          outcome: line.text("confirmed") === null ? "unconfirmed" : "confirmed",
          elapsed_ms: line.text("confirmed") === null ? null : { confirmed: Number(line.text("confirmed")) },
        };
      case "finish":
        return { type: "finish_cascades", actor: system_actor };
      case "heartbeat":
        return { type: "seal_heartbeat", actor: system_actor, interval_seconds: 60 };
      default:
        throw new Error(`a story has no verb ${verb}`);
    }
  }

  /** `policy NAME TYPE DECISION on=a,b* priority=5 conditions="{'path':'/n'}"`; `policy NAME delete`. */
  #policy(line: Line, actor: Actor): Asked {
    const name = line.word(1);
    const policy_id = Buffer.from(name, "utf8").toString("hex").padEnd(32, "0").slice(0, 32);
    this.#ids.set(name, policy_id);
    const order = { type: "change_policy", actor, policy_id, source: "api", repeat: null } as const;
    if (line.word(2) === "delete") {
      return { ...order, change: "deleted", written: null };
    }
    const written = {
      name,
      policy_type: line.word(2),
      decision: line.word(3),
      priority: line.number("priority") ?? 0,
      action_types: line.text("on")?.split(",") ?? [],
      conditions: quotedJson(line.text("conditions")) ?? {},
      mode: line.text("mode") ?? "live",
      enabled: line.text("enabled") !== "no",
    };
    const known = this.#workspace.state.policies.has(policy_id);
    return { ...order, change: known ? "updated" : "created", written };
  }

  #revocation(line: Line, actor: Actor, reason: string, repeat: Repeatable | null): Asked {
    const id = this.#id(line.word(2)) as string;
    switch (line.word(1)) {
      case "agent":
        return { type: "revoke_agent", actor, agent_id: id, reason, repeat };
      case "credential":
        return { type: "revoke_credential", actor, credential_id: id, reason, repeat };
      case "key":
        return { type: "revoke_key", actor, key_id: id, reason };
      default:
        throw new Error(`a story revokes no ${line.word(1)}`);
    }
  }

  #actor(line: Line): Actor {
    const by = line.text("by");
    if (by === null) {
      return this.#root;
    }
    const key_id = this.#id(by) as string;
    return { key_id, role: this.#workspace.state.keys.get(key_id)?.roles[0] ?? "agent" };
  }

  /** The stop that the session has, or another one that the line names by its entry. */
  #haltId(line: Line): string {
    const other = line.number("halt");
    const session = this.#workspace.state.sessions.get(line.word(1));
    return other === null ? ((session?.stop ?? session?.pause)?.halt_id ?? "none") : idAt("halt", other);
  }

  /** `agent/loan-bot`, `workspace`. */
  #scope(text: string): Scope {
    const [kind, name] = text.split("/") as [Scope["kind"], string | undefined];
    return { kind, id: name === undefined ? this.#workspace.state.workspace_id : (this.#id(name) as string) };
  }

  /** The drill that the entry named by `drill=@N` began. */
  #drillId(line: Line): string | null {
    const entry = line.text("drill");
    return entry === null ? null : idAt("drill", Number(entry.slice(1)));
  }

  #id(name: string | null): string | null {
    return name === null ? null : (this.#ids.get(name) ?? name);
  }

  /** The same text with the story's names instead of ids. */
  #named(text: string): string {
    let named = text.replace(
      /\b(enf|halt|drill|esc)_[0-9a-f]{12}\b/g,
      (id, prefix) => `@${sequenceOf(prefix, id)}`,
    );
    for (const [name, id] of this.#ids) {
      named = named.replaceAll(id, name);
    }
    return named;
  }
}

/** `cost=30` tokens, `cost=30,2` tokens and micro-USD. */
function amountsOf(text: string | null): Amounts | null {
  if (text === null) {
    return null;
  }
  const [tokens, cost_usd_micros] = text.split(",").map(Number);
  return { tokens: tokens ?? 0, cost_usd_micros: cost_usd_micros ?? 0 };
}

/** `says=TEXT`; the digests of a story are the text itself. */
function saidIn(
  line: Line,
): Pick<Intercept, "action_digest" | "action_length" | "details_digest" | "details_salt"> {
  const text = line.text("says");
  return text === null
    ? { action_digest: null, action_length: null, details_digest: null }
    : {
        action_digest: text,
        action_length: text.length,
        details_digest: `details of ${text}`,
        details_salt: "salt",
      };
}

/** The escalation that the entry named by `escalation=@N` opened. */
function escalationOf(line: Line): Pick<Intercept, "escalation"> {
  const entry = line.text("escalation");
  return entry === null
    ? {}
    : { escalation: { escalation_id: idAt("esc", Number(entry.slice(1))), same_action: null } };
}

function limitsOf(
  line: Line,
): Pick<
  StartSession,
  "max_tokens" | "max_cost_usd_micros" | "on_exceeded" | "max_depth" | "max_concurrent" | "warn_at_percent"
> {
  return {
    max_tokens: line.number("max_tokens"),
    max_cost_usd_micros: line.number("max_cost_usd_micros"),
    on_exceeded: line.text("on_exceeded") === "pause" ? "pause" : "terminate",
    max_depth: line.number("max_depth"),
    max_concurrent: line.number("max_concurrent"),
    warn_at_percent: line.text("warn_at_percent")?.split(",").map(Number) ?? [],
  };
}

/** JSON with single quotes. */
function quotedJson(text: string | null): JsonObject | null {
  return text === null ? null : JSON.parse(text.replaceAll("'", '"'));
}

function leaseOf(line: Line): Pick<StartSession, "lease_seconds" | "on_lease_lost"> {
  const lease_seconds = line.number("lease_seconds");
  const on_lease_lost = (line.text("on_lease_lost") ?? "kill") as OnLeaseLost;
  return { lease_seconds, on_lease_lost: lease_seconds === null ? null : on_lease_lost };
}

/** What an agent sends to mark a repeat; the request is the line itself. */
function repeatOf(line: Line): Repeatable | null {
  const idem = line.text("idem");
  return idem === null
    ? null
    : {
        key_digest: `${line.words[0]}|${idem}`,
        request_digest: line.words.join(" "),
        salt: "",
        same_request: null,
      };
}

function milliseconds(text: string): number {
  const [, amount, unit] = /^(\d+)(ms|s|h)$/.exec(text) ?? [];
  return Number(amount) * { ms: 1, s: 1000, h: 3_600_000 }[unit as "ms" | "s" | "h"];
}

function describeReply(reply: Exclude<Reply, { type: "refused" }>, state: State): string {
  switch (reply.type) {
    case "session": {
      const session = state.sessions.get(reply.session_id);
      const stop = session?.stop;
      const held = session?.pause ? ` ${JSON.stringify(session.pause.reason)}` : "";
      const why = stop?.stop_reason ? ` ${stop.stop_reason} ${JSON.stringify(stop.reason)}` : held;
      return `${reply.session_id} ${session?.status}${why}${reply.replayed ? " (replayed)" : ""}`;
    }
    case "verdict":
      return reply.replayed ? `@${reply.sequence} (replayed)` : `repeats @${reply.sequence}`;
    case "agent":
      return describeAgent(state.agents.get(reply.agent_id) as Agent);
    case "key": {
      const revoked = state.keys.get(reply.key_id)?.revoked;
      const why = revoked ? ` revoked ${JSON.stringify(revoked.reason)}` : "";
      return `key ${reply.key_id}${why}${reply.replayed ? " (replayed)" : ""}`;
    }
    case "escalation":
      return `escalation ${reply.escalation_id}`;
    case "halt":
      return `halt ${reply.halt_id}${reply.replayed ? " (replayed)" : ""}`;
    case "settlement":
      return `no reservation of ${reply.decision_id} is open`;
    case "policy":
      return `policy ${reply.policy_id} v${reply.version}${reply.replayed ? " (replayed)" : ""}`;
    case "drill":
      return `drill ${reply.drill_id}`;
    case "done":
      return "nothing";
  }
}

function describeAgent(agent: Agent): string {
  const credential = agent.credential_id === null ? "" : ` credential=${agent.credential_id}`;
  return `agent ${agent.agent_id}${credential}${agent.revoked === null ? "" : " revoked"}`;
}
