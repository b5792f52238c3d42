/** Policies as messages, and what calls say of policies as the core takes it. */
import { create } from "@bufbuild/protobuf";
import {
  type CreatePolicyRequest,
  type Policy as PolicyMessage,
  PolicyMode,
  PolicySchema,
  PolicySource,
  PolicyType,
  PolicyTypeSchema,
} from "../../gen/killcord/v1/policy_pb.js";
import type { JsonObject, PolicyDocument } from "../core/policy/document.js";
import type { Policy } from "../core/policy/policy.js";
import { verdictAsked, verdictCode } from "./verdict.js";
import { given, timestamp } from "./view.js";

/** A policy of the core as a message. */
export function policyView({ document, version, created_at, updated_at }: Policy): PolicyMessage {
  return create(PolicySchema, {
    policyId: document.policy_id,
    name: document.name,
    description: document.description,
    policyType: typeCode(document.policy_type),
    decision: verdictCode(document.decision),
    priority: document.priority,
    actionTypes: [...document.action_types],
    conditions: structuredClone(document.conditions) as JsonObject & Record<string, never>,
    mode: document.mode === "shadow" ? PolicyMode.SHADOW : PolicyMode.LIVE,
    enabled: document.enabled,
    source: document.source === "file" ? PolicySource.FILE : PolicySource.API,
    version: BigInt(version),
    createdAt: timestamp(created_at),
    updatedAt: timestamp(updated_at),
    ...given("trustThreshold", document.trust_threshold),
  });
}

/** What a request says of a policy, by the names of a document; what it leaves out is left out. */
export function written(request: Omit<CreatePolicyRequest, "$typeName" | "source">): JsonObject {
  return {
    name: request.name,
    ...given("description", request.description),
    policy_type: typeWord(request.policyType),
    decision: verdictAsked(request.decision) ?? "",
    ...given("priority", request.priority),
    action_types: request.actionTypes,
    ...given("conditions", request.conditions as JsonObject | undefined),
    ...given("trust_threshold", request.trustThreshold),
    mode: request.mode === PolicyMode.SHADOW ? "shadow" : "live",
    ...given("enabled", request.enabled),
  };
}

/** The side that a request asks for. */
export function sideOf({ source }: { readonly source: PolicySource }): PolicyDocument["source"] {
  return source === PolicySource.FILE ? "file" : "api";
}

function typeCode(word: string): PolicyType {
  const name = word.toUpperCase() as keyof typeof PolicyType;
  return PolicyType[name] ?? PolicyType.UNSPECIFIED;
}

function typeWord(code: PolicyType): string {
  return code === PolicyType.UNSPECIFIED ? "" : (PolicyTypeSchema.value[code]?.localName ?? "").toLowerCase();
}
