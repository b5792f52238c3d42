/** One good request of every method, about a subject. A method that is not here has no place in the matrix. */

import { Verdict } from "../../gen/killcord/v1/enforcement_pb.js";
import { EscalationResolution } from "../../gen/killcord/v1/escalation_pb.js";
import { HaltMode, ScopeKind } from "../../gen/killcord/v1/halt_pb.js";
import { Role } from "../../gen/killcord/v1/key_pb.js";
import { PolicyType } from "../../gen/killcord/v1/policy_pb.js";
import { HaltPhase } from "../../gen/killcord/v1/session_pb.js";
import type { Subject, World } from "./world.js";

/** A request, and what it takes. */
export interface Sample {
  /** Whether the call uses its subject up, so that each needs a fresh one. */
  readonly uses_up?: true;
  request(subject: Subject, world: World): object | Promise<object>;
}

const of_session = ({ session_id }: Subject) => ({ sessionId: session_id });
const action = ({ session_id }: Subject) => ({ sessionId: session_id, actionType: "look" });
const all = { pageSize: 500 };

/** A policy that nothing asks about. */
export const policyNamed = (name: string) => ({
  name,
  policyType: PolicyType.ACTION_TYPE,
  decision: Verdict.ALLOW,
  actionTypes: ["nobody.asks"],
});

/** By `Service.Method`. */
export const samples: Readonly<Record<string, Sample>> = {
  "SessionService.StartSession": { request: ({ agent_id }) => ({ agentId: agent_id }) },
  "SessionService.ListSessions": { request: () => all },
  "SessionService.GetSession": { request: of_session },
  "SessionService.Heartbeat": { request: of_session },
  "SessionService.KillSession": { uses_up: true, request: of_session },
  "SessionService.PauseSession": { uses_up: true, request: of_session },
  "SessionService.ResumeSession": { request: of_session },
  "SessionService.UpdateBudgets": {
    request: ({ session_id }) => ({ sessionId: session_id, budgets: {} }),
  },
  "SessionService.EndSession": { uses_up: true, request: of_session },
  "SessionService.AcknowledgeHalt": {
    uses_up: true,
    request: async ({ session_id }, world) => ({
      sessionId: session_id,
      haltId: await world.stop(session_id),
      phase: HaltPhase.STOPPING,
    }),
  },
  "SessionService.WatchSession": { request: of_session },
  "SessionService.WatchSessions": { request: ({ session_id }) => ({ sessionIds: [session_id] }) },
  "EnforcementService.Intercept": { request: action },
  "EnforcementService.InterceptBatch": { request: (subject) => ({ actions: [action(subject)] }) },
  "EnforcementService.InterceptStream": {
    request: (subject) => ({ message: { case: "open", value: of_session(subject) } }),
  },
  "EnforcementService.Settle": { uses_up: true, request: ({ decision_id }) => ({ decisionId: decision_id }) },
  "EnforcementService.CancelReservation": {
    uses_up: true,
    request: ({ decision_id }) => ({ decisionId: decision_id }),
  },
  "EnforcementService.GetDecision": { request: ({ decision_id }) => ({ decisionId: decision_id }) },
  "EnforcementService.GetReceipt": { request: ({ decision_id }) => ({ decisionId: decision_id }) },
  "EnforcementService.ListDecisions": { request: () => all },
  "EnforcementService.GetStats": { request: () => ({}) },
  "CredentialService.RegisterAgent": { request: () => ({ name: "own-bot" }) },
  "CredentialService.ListAgents": { request: () => all },
  "CredentialService.GetAgent": { request: ({ agent_id }) => ({ agentId: agent_id }) },
  "CredentialService.RevokeAgent": {
    request: async (_, world) => ({ agentId: await world.spareAgent() }),
  },
  "CredentialService.IssueCredential": { request: ({ agent_id }) => ({ agentId: agent_id }) },
  "CredentialService.ListCredentials": { request: () => all },
  "CredentialService.RotateCredential": {
    request: async (_, world) => ({ credentialId: await world.spareCredential() }),
  },
  "CredentialService.RevokeCredential": {
    request: async (_, world) => ({ credentialId: await world.spareCredential() }),
  },
  "HaltService.Halt": {
    request: () => ({ scope: { kind: ScopeKind.LABEL, id: "nobody's" }, mode: HaltMode.PAUSE }),
  },
  "HaltService.LiftHalt": { request: async (_, world) => ({ haltId: await world.spareHalt() }) },
  "HaltService.Drill": { request: () => ({ agentId: "drilled-bot" }) },
  "HaltService.GetHalt": { request: async (_, world) => ({ haltId: await world.spareHalt() }) },
  "HaltService.ListHalts": { request: () => all },
  "PolicyService.ListPolicies": { request: () => all },
  "PolicyService.CreatePolicy": { request: async (_, world) => policyNamed(world.spareName()) },
  "PolicyService.GetPolicy": { request: async (_, world) => ({ policyId: await world.sparePolicy() }) },
  "PolicyService.UpdatePolicy": {
    request: async (_, world) => ({ policyId: await world.sparePolicy(), ...policyNamed(world.spareName()) }),
  },
  "PolicyService.DeletePolicy": { request: async (_, world) => ({ policyId: await world.sparePolicy() }) },
  "PolicyService.Evaluate": { request: () => ({ actionType: "look" }) },
  "EscalationService.ListEscalations": { request: () => all },
  "EscalationService.GetEscalation": {
    request: async (subject) => ({ escalationId: await subject.escalation() }),
  },
  "EscalationService.GetEscalationStatus": {
    request: async (subject) => ({ escalationId: await subject.escalation() }),
  },
  "EscalationService.ResolveEscalation": {
    uses_up: true,
    request: async (subject) => ({
      escalationId: await subject.escalation(),
      resolution: EscalationResolution.REJECTED,
    }),
  },
  "EscalationService.WatchEscalations": {
    request: async (subject) => ({ escalationIds: [await subject.escalation()] }),
  },
  "VaultService.GetEntry": { request: (_, { entry_id }) => ({ entryId: entry_id }) },
  "VaultService.ListEntries": { request: () => all },
  "VaultService.GetCheckpoint": { request: () => ({}) },
  "VaultService.GetInclusionProof": { request: (_, { entry_id }) => ({ entryId: entry_id }) },
  "VaultService.WatchEntries": { request: () => ({}) },
  "VaultService.ExportBundle": { request: () => ({}) },
  "KeyService.CreateKey": { request: () => ({ name: "made", roles: [Role.APPROVER] }) },
  "KeyService.ListKeys": { request: () => all },
  "KeyService.RotateKey": { request: async (_, world) => ({ keyId: await world.spareKey() }) },
  "KeyService.RevokeKey": { request: async (_, world) => ({ keyId: await world.spareKey() }) },
};
