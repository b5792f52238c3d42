/** Policies of files as requests, and policies of a server as documents that compare with those of files. */
import type { JsonObject as ProtobufJson } from "@bufbuild/protobuf";
import { Verdict, VerdictSchema } from "../../gen/killcord/v1/enforcement_pb.js";
import {
  type Policy,
  PolicyMode,
  PolicySource,
  PolicyType,
  PolicyTypeSchema,
} from "../../gen/killcord/v1/policy_pb.js";
import type { JsonObject, PolicyDocument } from "../core/policy/document.js";

/** A policy of a file as CreatePolicy and UpdatePolicy take it. */
export function requestOf(document: PolicyDocument) {
  const { trust_threshold } = document;
  return {
    name: document.name,
    description: document.description,
    policyType: PolicyType[document.policy_type.toUpperCase() as keyof typeof PolicyType],
    decision: Verdict[document.decision.toUpperCase() as keyof typeof Verdict],
    priority: document.priority,
    actionTypes: [...document.action_types],
    conditions: document.conditions as ProtobufJson,
    mode: document.mode === "shadow" ? PolicyMode.SHADOW : PolicyMode.LIVE,
    enabled: document.enabled,
    source: PolicySource.FILE,
    ...(trust_threshold === undefined ? {} : { trustThreshold: trust_threshold }),
  };
}

/** A policy of a server as a document. */
export function documentOf(policy: Policy): PolicyDocument {
  const { trustThreshold } = policy;
  return {
    policy_id: policy.policyId,
    name: policy.name,
    description: policy.description,
    policy_type: typeWord(policy.policyType),
    decision: verdictWord(policy.decision) as PolicyDocument["decision"],
    priority: policy.priority,
    action_types: policy.actionTypes,
    conditions: (policy.conditions ?? {}) as JsonObject,
    ...(trustThreshold === undefined ? {} : { trust_threshold: trustThreshold }),
    mode: policy.mode === PolicyMode.SHADOW ? "shadow" : "live",
    enabled: policy.enabled,
    source: policy.source === PolicySource.FILE ? "file" : "api",
  };
}

/** The word of a type; a newer server may have one that has none here. */
export function typeWord(type: PolicyType): string {
  return PolicyTypeSchema.value[type]?.localName.toLowerCase() ?? String(type);
}

/** The word of a verdict. */
export function verdictWord(verdict: Verdict): string {
  return VerdictSchema.value[verdict]?.localName.toLowerCase() ?? String(verdict);
}
