/** What is wrong with a policy in a request beyond what its protobuf file can say: its conditions above all. */
import type { DescMessage, Message } from "@bufbuild/protobuf";
import {
  type CreatePolicyRequest,
  CreatePolicyRequestSchema,
  type EvaluateRequest,
  EvaluateRequestSchema,
  UpdatePolicyRequestSchema,
} from "../../gen/killcord/v1/policy_pb.js";
import { limits } from "../limits.js";
import { fieldOf, readPolicy } from "../policies/read-policy.js";
import type { FieldIssue } from "./errors.js";
import { written } from "./policy-written.js";

/** Stands for the id of a policy that has none yet. */
const no_id = "0".repeat(32);

/** Every fault of every policy in a request; none for any other message. */
export function policyFaults(schema: DescMessage, message: Message): readonly FieldIssue[] {
  switch (schema) {
    case CreatePolicyRequestSchema:
    case UpdatePolicyRequestSchema:
      return faultsOf(message as CreatePolicyRequest, "");
    case EvaluateRequestSchema:
      return (message as EvaluateRequest).policies
        .flatMap((each, i) => faultsOf(each, `policies[${i}]`))
        .slice(0, limits.issues_listed);
    default:
      return [];
  }
}

function faultsOf(request: CreatePolicyRequest, at: string): readonly FieldIssue[] {
  const { faults } = readPolicy(written(request), { policy_id: no_id, source: "api" });
  return faults.slice(0, limits.issues_listed).map(({ path, message }) => {
    const field = fieldOf(path).slice(0, limits.issue_name_characters);
    return { field: at === "" || field === "" ? at + field : `${at}.${field}`, issue: message };
  });
}
