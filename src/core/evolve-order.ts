/** What orders do: they put out keys and agents, and stop whatever stands on a scope. */
import { exceededReason } from "./budget.js";
import type { AgentRevoked, BudgetExceeded, CredentialRevoked, LeaseLost } from "./event.js";
import type { HaltRequested } from "./event-halt.js";
import { agentNamed, revokeKey } from "./evolve-access.js";
import { lostReason } from "./lease.js";
import { revocationOrder } from "./scope.js";
import type { ScopeStanding, State, StopOrder } from "./state.js";

export function haltSession(state: State, event: HaltRequested, sequence: number): void {
  orderStop(state.scopes.session, event.scope.id, "halted", {
    event: event.event,
    sequence,
    reason: event.reason,
    halt_id: event.halt_id,
    session_id: event.scope.id,
  });
}

export function exceedBudget(state: State, event: BudgetExceeded, sequence: number): void {
  orderStop(state.scopes.session, event.owner_session_id, "halted", {
    event: event.event,
    sequence,
    reason: exceededReason(event.limit),
    halt_id: null,
    session_id: event.owner_session_id,
  });
}

/** Where it kills: an order against this one session. */
export function loseLease(state: State, event: LeaseLost, sequence: number): void {
  if (event.on_lease_lost === "kill") {
    orderStop(state.scopes.session, event.session_id, "halted", {
      event: event.event,
      sequence,
      reason: lostReason(event.lease_seconds),
      halt_id: null,
      session_id: event.session_id,
    });
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

function orderStop(
  scopes: Map<string, ScopeStanding>,
  id: string,
  standing: "halted" | "revoked" | "active",
  order: StopOrder,
): void {
  const before = scopes.get(id);
  // Revoked is for good: a later order on the same scope does not open it again.
  scopes.set(id, {
    standing: before?.standing === "revoked" ? "revoked" : standing,
    stopped_through: order.sequence,
    stop: order,
  });
}
