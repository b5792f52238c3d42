/** What is wrong with a policy in a request beyond what its protobuf file can say: its conditions above all. */
import type { DescMessage, Message } from "@bufbuild/protobuf";
import {
  type CreatePolicyRequest,
  CreatePolicyRequestSchema,
  UpdatePolicyRequestSchema,
} from "../../gen/killcord/v1/policy_pb.js";
import { limits } from "../limits.js";
import { fieldOf, readPolicy } from "../policies/read-policy.js";
import type { Fault } from "../policies/schema-faults.js";
import type { FieldIssue } from "./errors.js";
import { written } from "./policy-written.js";

/** Stands for the id of a policy that has none yet. */
const no_id = "0".repeat(32);

/** Every fault of the policy in a request; none for any other message. */
export function policyFaults(schema: DescMessage, message: Message): readonly FieldIssue[] {
  switch (schema) {
    case CreatePolicyRequestSchema:
    case UpdatePolicyRequestSchema:
      return faultsOf(message as CreatePolicyRequest);
    default:
      return [];
  }
}

function faultsOf(request: CreatePolicyRequest): readonly FieldIssue[] {
  const { faults } = readPolicy(written(request), { policy_id: no_id, source: "api" });
  return issuesOf(faults, "");
}

/** Faults of a policy as a reply names them; `at` is where it stands in the request, "" for the whole of it. */
export function issuesOf(faults: readonly Fault[], at: string): readonly FieldIssue[] {
  return faults.slice(0, limits.issues_listed).map(({ path, message }) => {
    const field = fieldOf(path).slice(0, limits.issue_name_characters);
    return { field: at === "" || field === "" ? at + field : `${at}.${field}`, issue: message };
  });
}
