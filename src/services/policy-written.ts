/** What calls say of a policy, by the names of a document. */

import type { DescEnum } from "@bufbuild/protobuf";
import { VerdictSchema } from "../../gen/killcord/v1/enforcement_pb.js";
import { type CreatePolicyRequest, PolicyMode, PolicyTypeSchema } from "../../gen/killcord/v1/policy_pb.js";
import type { JsonObject } from "../core/policy/document.js";

/** The members of a policy that a request writes; what it leaves out is left out, and gets its default. */
export function written(request: Omit<CreatePolicyRequest, "$typeName" | "source">): JsonObject {
  const { description, priority, conditions, trustThreshold, enabled } = request;
  return {
    name: request.name,
    ...(description === undefined ? {} : { description }),
    policy_type: word(PolicyTypeSchema, request.policyType),
    decision: word(VerdictSchema, request.decision),
    ...(priority === undefined ? {} : { priority }),
    action_types: request.actionTypes,
    ...(conditions === undefined ? {} : { conditions: conditions as JsonObject }),
    ...(trustThreshold === undefined ? {} : { trust_threshold: trustThreshold }),
    mode: request.mode === PolicyMode.SHADOW ? "shadow" : "live",
    ...(enabled === undefined ? {} : { enabled }),
  };
}

/** The word of an enum; empty for one that it does not have, which was refused or will be. */
function word({ values }: DescEnum, code: number): string {
  const found = values.find(({ number }) => number === code && number !== 0);
  return found?.localName.toLowerCase() ?? "";
}
