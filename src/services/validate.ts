/** The constraints that the protobuf files state (buf.validate), enforced once, at the door. */
import { create, type DescMessage, type Message } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator, type Violation } from "@bufbuild/protovalidate";
import { type ErrorCode, type FieldIssue, KillcordError } from "./errors.js";

const validator = createValidator();

/** Fields whose faults have a code of their own. */
const field_codes: Readonly<Record<string, ErrorCode>> = {
  action_type: "invalid_action_type",
  idempotency_key: "invalid_idempotency_key",
};

/**
 * Refuses a message that breaks a constraint, naming every field at fault.
 *
 * @throws {KillcordError} invalid_argument or the field's own code
 */
export function validate(schema: DescMessage, message: Message): void {
  const result = validator.validate(schema, message);
  switch (result.kind) {
    case "valid":
      return;
    case "invalid":
      throw invalid(result.violations.map(issueOf));
    case "error":
      throw result.error;
  }
}

/** Compiles the constraints of a message now: that takes far longer than the first caller would like. */
export function prepareValidation(schema: DescMessage): void {
  validator.validate(schema, create(schema));
}

/** The refusal for fields at fault. */
export function invalid(details: readonly FieldIssue[]): KillcordError {
  const first = details[0] as FieldIssue;
  const code = details.length === 1 ? (field_codes[first.field] ?? "invalid_argument") : "invalid_argument";
  return new KillcordError(code, details.map(({ field, issue }) => `${field}: ${issue}`).join("; "), {
    details,
  });
}

function issueOf(violation: Violation): FieldIssue {
  return { field: pathToString(violation.field), issue: violation.message };
}
