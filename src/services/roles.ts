/**
 * Who may call what: the matrix of the API, one row a method. A method without a row is refused, and
 * a server with one does not start. docs/access.md shows the same as a real server answers it.
 */
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { Role } from "../core/actor.js";

/**
 * What "its own" is for a caller that calls as agent: something of its agent or, for a key without
 * an agent, of the sessions that it started. All other roles see everything.
 */
export type Own =
  /** The one session, decision or action that the request names; another's is refused. */
  | "the one it names"
  /** A list or a stream shows its own and leaves out the rest. */
  | "it sees no others"
  /** Its figures are those of its own. */
  | "it counts no others"
  /** What it makes is its agent's; naming another agent, or another's parent session, is refused. */
  | "what it makes is its agent's"
  /** It is no method for agents. */
  | null;

/** One row of the matrix. */
export interface Access {
  /** Roles that may call it, the widest first: the first that a key has is the one it uses. */
  readonly roles: readonly Role[];
  readonly own: Own;
  /** Whether a revoked credential may call it, to learn and to acknowledge that its sessions are stopped. */
  readonly teaches_stop?: true;
}

const read_by_all = ["admin", "operator", "auditor", "agent"] as const;

const read_of_escalations = ["admin", "approver", "operator", "auditor"] as const;

const access_by_method: Readonly<Record<string, Access>> = {
  "SessionService.StartSession": { roles: ["admin", "agent"], own: "what it makes is its agent's" },
  "SessionService.ListSessions": { roles: read_by_all, own: "it sees no others" },
  "SessionService.GetSession": { roles: read_by_all, own: "the one it names", teaches_stop: true },
  "SessionService.Heartbeat": { roles: ["admin", "agent"], own: "the one it names", teaches_stop: true },
  "SessionService.KillSession": { roles: ["admin", "operator"], own: null },
  "SessionService.PauseSession": { roles: ["admin", "operator"], own: null },
  "SessionService.ResumeSession": { roles: ["admin", "operator"], own: null },
  "SessionService.UpdateBudgets": { roles: ["admin", "operator"], own: null },
  "SessionService.EndSession": { roles: ["admin", "operator", "agent"], own: "the one it names" },
  "SessionService.AcknowledgeHalt": {
    roles: ["admin", "agent"],
    own: "the one it names",
    teaches_stop: true,
  },
  "SessionService.WatchSession": {
    roles: ["admin", "operator", "agent"],
    own: "the one it names",
    teaches_stop: true,
  },
  "SessionService.WatchSessions": {
    roles: ["admin", "operator", "agent"],
    own: "the one it names",
    teaches_stop: true,
  },
  "EnforcementService.Intercept": {
    roles: ["admin", "agent"],
    own: "the one it names",
    teaches_stop: true,
  },
  "EnforcementService.InterceptBatch": {
    roles: ["admin", "agent"],
    own: "the one it names",
    teaches_stop: true,
  },
  "EnforcementService.InterceptStream": {
    roles: ["admin", "agent"],
    own: "the one it names",
    teaches_stop: true,
  },
  "EnforcementService.Settle": { roles: ["admin", "agent"], own: "the one it names" },
  "EnforcementService.CancelReservation": { roles: ["admin", "agent"], own: "the one it names" },
  "EnforcementService.GetDecision": { roles: read_by_all, own: "the one it names" },
  "EnforcementService.GetReceipt": { roles: read_by_all, own: "the one it names" },
  "EnforcementService.GetStats": { roles: read_by_all, own: "it counts no others" },
  "EnforcementService.ListDecisions": { roles: read_by_all, own: "it sees no others" },
  "CredentialService.RegisterAgent": { roles: ["admin"], own: null },
  "CredentialService.ListAgents": { roles: ["admin", "operator", "auditor"], own: null },
  "CredentialService.GetAgent": { roles: ["admin", "operator", "auditor"], own: null },
  "CredentialService.RevokeAgent": { roles: ["admin", "operator"], own: null },
  "CredentialService.IssueCredential": { roles: ["admin"], own: null },
  "CredentialService.ListCredentials": { roles: ["admin"], own: null },
  "CredentialService.RotateCredential": { roles: ["admin"], own: null },
  "CredentialService.RevokeCredential": { roles: ["admin", "operator"], own: null },
  "HaltService.Halt": { roles: ["admin", "operator"], own: null },
  "HaltService.LiftHalt": { roles: ["admin", "operator"], own: null },
  "HaltService.Drill": { roles: ["admin", "operator"], own: null },
  "HaltService.GetHalt": { roles: ["admin", "operator", "auditor"], own: null },
  "HaltService.ListHalts": { roles: ["admin", "operator", "auditor"], own: null },
  "EscalationService.ListEscalations": { roles: read_of_escalations, own: null },
  "EscalationService.GetEscalation": { roles: read_of_escalations, own: null },
  "EscalationService.GetEscalationStatus": {
    roles: [...read_of_escalations, "agent"],
    own: "the one it names",
  },
  "EscalationService.ResolveEscalation": { roles: ["admin", "approver"], own: null },
  "EscalationService.WatchEscalations": { roles: [...read_of_escalations, "agent"], own: "the one it names" },
  "VaultService.GetEntry": { roles: ["admin", "auditor"], own: null },
  "VaultService.ListEntries": { roles: ["admin", "auditor"], own: null },
  "VaultService.GetCheckpoint": { roles: ["admin", "auditor"], own: null },
  "VaultService.GetInclusionProof": { roles: ["admin", "auditor"], own: null },
  "VaultService.WatchEntries": { roles: ["admin", "auditor"], own: null },
  "VaultService.ExportBundle": { roles: ["admin", "auditor"], own: null },
  "PolicyService.ListPolicies": { roles: ["admin", "operator", "auditor"], own: null },
  "PolicyService.CreatePolicy": { roles: ["admin"], own: null },
  "PolicyService.GetPolicy": { roles: ["admin", "operator", "auditor"], own: null },
  "PolicyService.UpdatePolicy": { roles: ["admin"], own: null },
  "PolicyService.DeletePolicy": { roles: ["admin"], own: null },
  "PolicyService.Evaluate": { roles: ["admin", "operator"], own: null },
  "KeyService.CreateKey": { roles: ["admin"], own: null },
  "KeyService.ListKeys": { roles: ["admin"], own: null },
  "KeyService.RotateKey": { roles: ["admin"], own: null },
  "KeyService.RevokeKey": { roles: ["admin"], own: null },
};

/** `Service.Method`. */
export function methodName(method: DescMethod): string {
  return `${method.parent.name}.${method.name}`;
}

/** The row of a method, or null for one that nobody may call. */
export function accessTo(method: DescMethod): Access | null {
  return access_by_method[methodName(method)] ?? null;
}

/** The role by which a key may call a method, or null. */
export function roleFor(method: DescMethod, granted: readonly Role[]): Role | null {
  const { roles } = accessTo(method) ?? { roles: [] };
  return (
    roles.find((role) => granted.includes(role)) ?? (granted.includes("admin") ? (roles[0] ?? null) : null)
  );
}

/** Whether a revoked credential may call a method to learn of its stop. */
export function teachesStop(method: DescMethod): boolean {
  return accessTo(method)?.teaches_stop === true;
}

/**
 * Holds the matrix against the services that are served.
 *
 * @throws {Error} naming a method without a row, a row without a method, or one that says nothing of own
 */
export function checkMatrix(services: readonly DescService[]): void {
  const served = new Set(services.flatMap(({ methods }) => methods.map(methodName)));
  const rowless = [...served].filter((name) => access_by_method[name] === undefined);
  const served_by_none = Object.keys(access_by_method).filter((name) => !served.has(name));
  const ownless = Object.entries(access_by_method)
    .filter(([, { roles, own }]) => roles.includes("agent") !== (own !== null))
    .map(([name]) => name);
  const faults = [...rowless, ...served_by_none, ...ownless];
  if (faults.length > 0) {
    throw new Error(`roles.ts does not fit the services: ${faults.join(", ")}`);
  }
}
