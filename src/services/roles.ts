/** Which roles may call which method: the matrix of the API. A method without a row is refused. */
import type { DescMethod } from "@bufbuild/protobuf";
import type { Role } from "../core/event.js";

/** Roles that may call a method, the widest first: the first that a key has is the one it uses. */
const roles_by_method: Readonly<Record<string, readonly Role[]>> = {
  "SessionService.StartSession": ["admin", "agent"],
  "SessionService.ListSessions": ["admin", "operator", "auditor", "agent"],
  "SessionService.GetSession": ["admin", "operator", "auditor", "agent"],
  "SessionService.Heartbeat": ["admin", "agent"],
  "SessionService.KillSession": ["admin", "operator"],
  "SessionService.EndSession": ["admin", "operator", "agent"],
  "SessionService.AcknowledgeHalt": ["admin", "agent"],
  "SessionService.WatchSession": ["admin", "operator", "agent"],
  "EnforcementService.Intercept": ["admin", "agent"],
  "EnforcementService.InterceptBatch": ["admin", "agent"],
  "EnforcementService.InterceptStream": ["admin", "agent"],
  "EnforcementService.GetDecision": ["admin", "operator", "auditor", "agent"],
  "EnforcementService.ListDecisions": ["admin", "operator", "auditor", "agent"],
  "CredentialService.RegisterAgent": ["admin"],
  "CredentialService.ListAgents": ["admin", "operator", "auditor"],
  "CredentialService.GetAgent": ["admin", "operator", "auditor"],
  "CredentialService.RevokeAgent": ["admin", "operator"],
  "CredentialService.IssueCredential": ["admin"],
  "CredentialService.ListCredentials": ["admin"],
  "CredentialService.RevokeCredential": ["admin", "operator"],
  "VaultService.GetEntry": ["admin", "auditor"],
  "VaultService.ListEntries": ["admin", "auditor"],
  "VaultService.ExportBundle": ["admin", "auditor"],
  "KeyService.CreateKey": ["admin"],
  "KeyService.ListKeys": ["admin"],
  "KeyService.RevokeKey": ["admin"],
};

/** Methods by which a revoked credential may still learn that sessions of its agent are stopped, and say that it heard. */
const learning_methods: ReadonlySet<string> = new Set([
  "SessionService.GetSession",
  "SessionService.Heartbeat",
  "SessionService.WatchSession",
  "SessionService.AcknowledgeHalt",
  "EnforcementService.Intercept",
  "EnforcementService.InterceptBatch",
  "EnforcementService.InterceptStream",
]);

/** `Service.Method`. */
export function methodName(method: DescMethod): string {
  return `${method.parent.name}.${method.name}`;
}

/** The role by which a key may call a method, or null. */
export function roleFor(method: DescMethod, granted: readonly Role[]): Role | null {
  const allowed = roles_by_method[methodName(method)] ?? [];
  return (
    allowed.find((role) => granted.includes(role)) ??
    (granted.includes("admin") ? (allowed[0] ?? null) : null)
  );
}

/** Whether a revoked credential may call a method to learn of its stop. */
export function teachesStop(method: DescMethod): boolean {
  return learning_methods.has(methodName(method));
}
