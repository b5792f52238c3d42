/** The constraints that the protobuf files state (buf.validate), enforced once, at the door. */
import { create, type DescMessage, type Message } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator, type Violation } from "@bufbuild/protovalidate";
import { type ErrorCode, type FieldIssue, KillcordError } from "./errors.js";
import { expected_usd, expectedWord } from "./expected.js";
import { unheldLimits } from "./kept.js";
import { policyFaults } from "./policy-faults.js";

const validator = createValidator();

/** Fields whose faults have a code of their own. */
const field_codes: Readonly<Record<string, ErrorCode>> = {
  action_type: "invalid_action_type",
  idempotency_key: "invalid_idempotency_key",
};

/** What a pattern means, for people, by the name of its field. */
const pattern_texts: Readonly<Record<string, string>> = {
  action_type: "must be 1 to 128 characters of A-Z a-z 0-9 _ . : / -",
  idempotency_key: "must be 1 to 255 characters 0x21-0x7E",
  agent_id: "must be 1 to 256 characters without control characters",
  name: "must be 1 to 256 characters without control characters",
  cost_usd: expected_usd,
  max_cost_usd: expected_usd,
  entry_id: "must be an entry id, ve_ and 24 hex digits, or a sequence number",
};

/**
 * Refuses a message that breaks a constraint, naming every field at fault.
 *
 * @throws {KillcordError} invalid_argument or the field's own code
 */
export function validate(schema: DescMessage, message: Message): void {
  const result = validator.validate(schema, message);
  if (result.kind === "error") {
    throw result.error;
  }
  // Whoever writes a policy hears of all that is wrong with it at once.
  const issues = [...policyFaults(schema, message)];
  const told = new Set(issues.map(({ field }) => field));
  const violations = result.kind === "valid" ? [] : result.violations.map(issueOf);
  issues.push(...violations.filter(({ field }) => !told.has(field)));
  if (issues.length > 0) {
    throw invalid(issues);
  }
  const unheld = unheldLimits(schema, message);
  if (unheld.length > 0) {
    throw invalid(unheld);
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
  // A constraint on the whole message is about no one field.
  const texts = details.map(({ field, issue }) => (field === "" ? issue : `${field}: ${issue}`));
  return new KillcordError(code, texts.join("; "), { details });
}

function issueOf(violation: Violation): FieldIssue {
  const field = pathToString(violation.field);
  const by_pattern =
    violation.ruleId === "string.pattern"
      ? pattern_texts[field.slice(field.lastIndexOf(".") + 1)]
      : undefined;
  return { field, issue: by_pattern ?? wordsOf(violation) ?? violation.message };
}

/** The words of an enum, where a number that has none was sent. */
function wordsOf({ field, ruleId }: Violation): string | undefined {
  const type = field.findLast((part) => part.kind === "field")?.enum;
  return ruleId.startsWith("enum.") && type !== undefined ? expectedWord(type) : undefined;
}
