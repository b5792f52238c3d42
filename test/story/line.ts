/** One event as a line of a story: what it is about, then what it says. */

import type { Event } from "../../src/core/event.js";
import type { Amounts, Cause, Consumed, PolicyTriggered } from "../../src/core/event-parts.js";
import type { Replacement } from "../../src/core/replacement.js";
import { began_at } from "../core/workspace.js";

export function describeEvent(event: Event, log: readonly Event[]): string {
  return [event.event, ...parts(event, log)].filter((part) => part !== null && part !== "").join(" ");
}

type Part = string | null;

function parts(event: Event, log: readonly Event[]): readonly Part[] {
  switch (event.event) {
    case "vault_opened":
      return [event.workspace_id];
    case "session_started":
      return [
        event.session_id,
        given("agent", event.agent_id),
        given("credential", event.credential_id),
        given("parent", event.parent_session_id),
        ...event.labels.map((label) => JSON.stringify(label)),
        given("drill", event.drill_id),
        ...Object.entries(event.budgets).map(([name, limit]) => given(name, limit)),
        event.lease_seconds === null ? null : `lease=${event.lease_seconds}s/${event.on_lease_lost}`,
        ...(event.budget_policies ?? []).map(
          ({ name, version, mode, effect }) =>
            `${name}/${version}${mode === "shadow" ? "/shadow" : ""} "${effect}"`,
        ),
      ];
    case "enforcement_decision":
      return [
        event.session_id ?? "-",
        event.decision,
        event.decision === "terminate" ? stopReason(event.cause, log) : null,
        spent(event.consumed?.actions, event.session_id, log),
        event.session_id === null ? given("agent", event.agent_id) : null,
        amounts("charge", event.charge),
        amounts("holds", event.reservation),
        (event.charge ?? event.reservation) ? totals(event.consumed, event.reserved) : null,
        because(event.cause),
        given("policies", policies(event.policies_triggered)),
        given("shadow", policies(event.policies_shadowed ?? [])),
        ...(event.warnings ?? []).map(({ message }) => `warning=${JSON.stringify(message)}`),
        given("escalation", event.escalation_id),
        event.decision === "allow" ? null : JSON.stringify(event.reasoning),
      ];
    case "budget_exceeded":
      return [
        event.session_id,
        event.owner_session_id === event.session_id ? null : `of ${event.owner_session_id}`,
        `${event.unit}=${event.spent}+${event.requested}/${event.limit}`,
        event.reserved === 0 ? null : given("held", event.reserved),
        event.on_exceeded === "terminate" ? null : event.on_exceeded,
      ];
    case "lease_lost":
      return [
        event.session_id,
        `lease=${event.lease_seconds}s/${event.on_lease_lost}`,
        `heard=${(event.last_heard_at - began_at) / 1000}s`,
      ];
    case "session_killed":
      return [
        event.session_id,
        event.stop_reason,
        spent(event.consumed.actions, event.session_id, log),
        because(event.cause),
        JSON.stringify(event.reason),
        by(event),
      ];
    case "session_expired":
      return [
        event.session_id,
        event.stop_reason,
        spent(event.consumed.actions, event.session_id, log),
        `deadline=${(event.deadline_at - began_at) / 1000}s`,
      ];
    case "budget_raised":
      return [
        event.session_id,
        `${event.unit}=${event.from}->${event.to}`,
        event.expires_at === null ? null : `expires=${(event.expires_at - began_at) / 1000}s`,
        JSON.stringify(event.reason),
        by(event),
      ];
    case "reservation_settled":
      return [
        event.session_id,
        event.decision_id,
        event.outcome,
        amounts("spent", event.spent),
        amounts("reported", event.reported),
        totals(event.consumed, event.reserved),
        by(event),
      ];
    case "session_ended":
      return [event.session_id, spent(event.consumed.actions, event.session_id, log), because(event.cause)];
    case "session_paused":
      return [event.session_id, because(event.cause), JSON.stringify(event.reason), by(event)];
    case "session_resumed":
      return [event.session_id, because(event.cause), JSON.stringify(event.reason), by(event)];
    case "halt_lifted":
      return [event.halt_id, JSON.stringify(event.reason), by(event)];
    case "halt_requested":
      return [
        `${event.scope.kind}/${event.scope.id}`,
        event.mode === "pause" ? "pause" : null,
        given("sessions", event.session_count),
        given("drill", event.drill_id),
        JSON.stringify(event.reason),
        by(event),
      ];
    case "halt_acknowledged":
      return [
        event.session_id,
        event.halt_id,
        `via=${event.via}`,
        event.delivered_at === null ? null : `delivered=${(event.delivered_at - began_at) / 1000}s`,
      ];
    case "halt_confirmed":
      return [event.session_id, event.halt_id, event.evidence, `after=${event.elapsed_ms}ms`];
    case "halt_unconfirmed":
      return [
        event.session_id,
        event.halt_id,
        event.why,
        event.delivered_at === null ? null : `delivered=${(event.delivered_at - began_at) / 1000}s`,
        `deadline=${(event.deadline_at - began_at) / 1000}s`,
      ];
    case "drill_started":
      return [event.drill_id, `${event.scope.kind}/${event.scope.id}`];
    case "drill_ended":
      return [
        event.drill_id,
        event.drill_session_id,
        event.outcome,
        ...Object.entries(event.elapsed_ms ?? {}).map(([step, ms]) => `${step}=${ms}ms`),
      ];
    case "agent_registered":
      return [event.agent_id, event.framework, JSON.stringify(event.profile), decimals(event._decimals)];
    case "agent_revoked":
      return [
        event.agent_id,
        given("credentials", event.revoked_credentials.join(",")),
        killed(event),
        JSON.stringify(event.reason),
      ];
    case "credential_issued":
      return [event.credential_id, given("agent", event.agent_id), ...replacing(event)];
    case "credential_revoked":
      return [
        event.credential_id,
        given("agent", event.agent_id),
        killed(event),
        JSON.stringify(event.reason),
      ];
    case "api_key_created":
      return [event.name, event.granted_roles.join(","), given("agent", event.agent_id), ...replacing(event)];
    case "api_key_revoked":
      return [event.key_id, JSON.stringify(event.reason)];
    case "policy_changed":
      return [
        event.policy_id,
        event.change,
        `v${event.version}`,
        event.policy === null ? null : `${event.policy.policy_type} ${event.policy.decision}`,
        event.policy?.mode === "shadow" ? "shadow" : null,
        event.policy?.enabled === false ? "off" : null,
      ];
    case "notice":
      return [event.kind, event.session_id, JSON.stringify(event.body), noticeDecimals(event)];
    case "escalation_opened":
      return [
        event.session_id ?? "-",
        event.escalation_id,
        given("until", `${(event.expires_at - began_at) / 1000}s`),
        amounts("cost", event.cost ?? null),
        amounts("estimate", event.estimate ?? null),
      ];
    case "escalation_resolved":
      return [
        event.session_id ?? "-",
        event.escalation_id,
        event.resolution,
        event.reason === null ? null : JSON.stringify(event.reason),
        event.unseen === true ? "unseen" : null,
        by(event),
      ];
    case "heartbeat":
      return [
        given("decisions", event.decisions),
        given("terminations", event.terminations),
        given("live", event.live_sessions),
      ];
  }
}

function given(name: string, value: string | number | readonly number[] | null): Part {
  return value === null || value === "" ? null : `${name}=${value}`;
}

/** `spent=30tokens,2micros`. */
function amounts(name: string, given: Amounts | null): Part {
  if (given === null) {
    return null;
  }
  const { tokens, cost_usd_micros } = given;
  const parts = [
    tokens > 0 ? `${tokens}tokens` : [],
    cost_usd_micros > 0 ? `${cost_usd_micros}micros` : [],
  ].flat();
  return `${name}=${parts.length === 0 ? "nothing" : parts.join()}`;
}

/** What a session has spent and holds, so that a story shows what the entry states. */
function totals(consumed: Consumed | null, reserved: Amounts | null): Part {
  return [amounts("total", consumed), amounts("held", reserved)].filter((part) => part !== null).join(" ");
}

/** Those that are not built in, with their versions. */
function policies(triggered: readonly PolicyTriggered[]): string {
  return triggered
    .flatMap(({ policy_id, version }) => (version === undefined ? [] : [`${policy_id}/${version}`]))
    .join(",");
}

function replacing({ replaces, overlap_ends_at }: Replacement): readonly Part[] {
  return replaces === undefined || overlap_ends_at === undefined
    ? []
    : [given("replaces", replaces), given("until", `${(overlap_ends_at - began_at) / 1000}s`)];
}

function because(cause: Cause | null): Part {
  return cause === null ? null : `because=@${cause.sequence}`;
}

function by(event: Event): Part {
  return event.actor.key_id === null ? "by system" : null;
}

function decimals(pointers: readonly string[] | undefined): Part {
  return pointers === undefined ? null : given("decimals", pointers.join(","));
}

function noticeDecimals(event: Extract<Event, { event: "notice" }>): Part {
  return event.kind === "agent_updated" ? decimals(event._decimals) : null;
}

function killed(order: { killed_count: number; killed_sessions: readonly string[] }): string {
  return `killed=${order.killed_count}${order.killed_sessions.map((id) => ` ${id}`).join("")}`;
}

function spent(actions: number | undefined, session_id: string | null, log: readonly Event[]): Part {
  const start = log.find((event) => event.event === "session_started" && event.session_id === session_id);
  const raise = log.findLast(
    (event) => event.event === "budget_raised" && event.session_id === session_id && event.unit === "actions",
  );
  const first = start?.event === "session_started" ? start.budgets.max_actions : null;
  const limit = raise?.event === "budget_raised" ? raise.to : first;
  return actions === undefined ? null : `actions=${actions}${limit === null ? "" : `/${limit}`}`;
}

function stopReason(cause: Cause | null, log: readonly Event[]): Part {
  const stop = cause === null ? undefined : log[cause.sequence];
  return stop !== undefined && "stop_reason" in stop ? stop.stop_reason : "ended";
}
