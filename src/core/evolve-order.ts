/** What orders do: they put out keys and agents, and stop whatever stands on a scope. */
import { exceededReason } from "./charge.js";
import type { AgentRevoked, CredentialRevoked, LeaseLost } from "./event.js";
import type { BudgetExceeded } from "./event-budget.js";
import type { HaltLifted, HaltRequested } from "./event-halt.js";
import { agentNamed, revokeKey } from "./evolve-access.js";
import { lostReason } from "./lease.js";
import { revocationOrder } from "./scope.js";
import type { ScopeStanding, State, StopOrder } from "./state.js";

export function orderHalt(state: State, event: HaltRequested, sequence: number): void {
  const { halt_id, scope, mode, reason, drill_id } = event;
  const scopes = state.scopes[scope.kind];
  if (mode === "kill") {
    const session_id = scope.kind === "session" ? scope.id : null;
    const order = { event: event.event, sequence, reason, halt_id, session_id, drill_id };
    orderStop(scopes, scope.id, "halted", order);
  }
  const record = recordOf(scopes, scope.id);
  record.halts.add(halt_id);
  if (record.standing === "active") {
    record.standing = "paused";
  }
  state.halts.set(halt_id, { halt_id, sequence, scope, mode, reason });
}

export function liftHalt(state: State, event: HaltLifted, sequence: number): void {
  const halt = state.halts.get(event.halt_id);
  if (halt === undefined) {
    return;
  }
  const { kind, id } = halt.scope;
  state.halts.delete(halt.halt_id);
  state.last_release = { cause: { event: event.event, sequence }, reason: event.reason };
  const record = recordOf(state.scopes[kind], id);
  record.halts.delete(halt.halt_id);
  if (record.standing !== "revoked") {
    const modes = [...record.halts].map((halt_id) => state.halts.get(halt_id)?.mode);
    record.standing = modes.includes("kill") ? "halted" : modes.length > 0 ? "paused" : "active";
    if (record.standing === "active") {
      // What it stopped has been told by now, and nothing stands on the scope any more.
      state.scopes[kind].delete(id);
    }
  }
}

/** Where it kills, an order against the session whose budget it is; where it pauses, a pause that is to follow. */
export function exceedBudget(state: State, event: BudgetExceeded, sequence: number): void {
  const { unit, requested } = event;
  const owner = state.sessions.get(event.owner_session_id);
  if (event.on_exceeded === "pause") {
    if (owner?.status === "active") {
      const exceeded = { unit, amount: requested - owner[unit].overrun };
      owner.pause_owed = {
        cause: { event: event.event, sequence },
        reason: exceededReason(event),
        exceeded,
      };
    }
    return;
  }
  orderStop(state.scopes.session, event.owner_session_id, "halted", {
    event: event.event,
    sequence,
    reason: exceededReason(event),
    halt_id: null,
    session_id: event.owner_session_id,
    drill_id: null,
  });
}

/** Where it kills, an order against this one session; where it pauses, a pause that is to follow. */
export function loseLease(state: State, event: LeaseLost, sequence: number): void {
  const { session_id } = event;
  const reason = lostReason(event.lease_seconds);
  const session = state.sessions.get(session_id);
  if (event.on_lease_lost === "kill") {
    const order = { event: event.event, sequence, reason, halt_id: null, session_id, drill_id: null };
    orderStop(state.scopes.session, session_id, "halted", order);
  } else if (event.on_lease_lost === "pause" && session?.status === "active") {
    session.pause_owed = { cause: { event: event.event, sequence }, reason, exceeded: null };
  }
}

export function revokeCredential(state: State, event: CredentialRevoked, sequence: number): void {
  revokeKey(state, event.credential_id, { at: event.at, reason: event.reason, sequence });
  const order = revocationOrder(event.event, sequence, event.reason);
  orderStop(state.scopes.credential, event.credential_id, "revoked", order);
  if (event.agent_id !== null) {
    // Its live sessions stop; what the agent starts later on another credential may run.
    orderStop(state.scopes.agent, event.agent_id, "active", order);
  }
}

export function revokeAgent(state: State, event: AgentRevoked, sequence: number): void {
  const revocation = { at: event.at, reason: event.reason, sequence };
  const agent = agentNamed(state, event.agent_id, event.at);
  agent.revoked ??= revocation;
  const order = revocationOrder(event.event, sequence, event.reason);
  for (const credential_id of agent.credential_ids) {
    revokeKey(state, credential_id, revocation);
    orderStop(state.scopes.credential, credential_id, "revoked", order);
  }
  orderStop(state.scopes.agent, event.agent_id, "revoked", order);
}

function recordOf(scopes: Map<string, ScopeStanding>, id: string): ScopeStanding {
  const known = scopes.get(id);
  if (known !== undefined) {
    return known;
  }
  const record: ScopeStanding = { standing: "active", stopped_through: -1, stop: null, halts: new Set() };
  scopes.set(id, record);
  return record;
}

function orderStop(
  scopes: Map<string, ScopeStanding>,
  id: string,
  standing: "halted" | "revoked" | "active",
  order: StopOrder,
): void {
  const record = recordOf(scopes, id);
  // Revoked is for good, and nothing has started on the scope since.
  if (record.standing === "revoked") {
    return;
  }
  if (standing !== "active") {
    record.standing = standing;
  }
  record.stopped_through = order.sequence;
  record.stop = order;
}
