/** Policies as messages. */
import { create } from "@bufbuild/protobuf";
import {
  type Policy as PolicyMessage,
  PolicyMode,
  PolicySchema,
  PolicySource,
  PolicyType,
} from "../../gen/killcord/v1/policy_pb.js";
import type { JsonObject, PolicyDocument } from "../core/policy/document.js";
import type { Policy } from "../core/policy/policy.js";
import { verdictCode } from "./verdict.js";
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

/** The side that a request asks for. */
export function sideOf({ source }: { readonly source: PolicySource }): PolicyDocument["source"] {
  return source === PolicySource.FILE ? "file" : "api";
}

function typeCode(word: string): PolicyType {
  const name = word.toUpperCase() as keyof typeof PolicyType;
  return PolicyType[name] ?? PolicyType.UNSPECIFIED;
}
