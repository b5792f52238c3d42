/** The JSON Schema of files that test policies; docs/policy-test.schema.json is its text. */
import { limits } from "../limits.js";
import { budgets_schema, condition_amount, type Schema } from "./condition-schemas.js";

const name: Schema = { type: "string", minLength: 1, maxLength: 256 };

const moment: Schema = {
  type: "string",
  pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d(:\\d\\d(\\.\\d{1,3})?)?(Z|[+-]\\d\\d:\\d\\d)$",
  patternErrorMessage: "expected a time with its zone, like 2026-01-05T12:00:00Z",
};

const amounts: Schema = {
  type: "object",
  additionalProperties: false,
  properties: {
    tokens: { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    cost_usd: condition_amount("Cost."),
  },
};

const spent: Schema = {
  ...amounts,
  properties: {
    ...(amounts.properties as object),
    actions: { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
  },
  description: "What the session has used when the test begins.",
};

/** What a session starts with. */
const session_members = {
  agent_id: { ...name, description: "Whose session it is." },
  label: { ...name, description: "Its label." },
  budgets: { ...budgets_schema, minProperties: 0, description: "Its budgets; default none." },
  spent,
};

const action: Schema = {
  type: "object",
  additionalProperties: false,
  properties: {
    action_type: {
      type: "string",
      pattern: "^[A-Za-z0-9_.:/-]{1,128}$",
      patternErrorMessage: "expected 1 to 128 characters of A-Z a-z 0-9 _ . : / -",
      description: "What kind of action is asked for.",
    },
    start: {
      ...name,
      description: "Instead of an action: starts this session now, and expects how that goes.",
    },
    content: { type: "string", maxLength: limits.action_content_bytes, description: "The action's text." },
    metadata: { type: "object", description: "Facts about the action." },
    cost: { ...amounts, description: "What it costs." },
    estimate: { ...amounts, description: "What it may cost, held if it is allowed." },
    after_seconds: {
      type: "number",
      minimum: 0,
      maximum: 315_360_000,
      description: "How long after the one before it; default 0.",
    },
    at: { ...moment, description: "When, instead of after_seconds; not before the one before it." },
    session: {
      type: ["string", "null"],
      minLength: 1,
      maxLength: 256,
      description: "In which session, started when it is first named; null: in none. Default the test's one.",
    },
    agent_id: { ...name, description: "Whose action it is, where it is in no session." },
    repeat: {
      type: "integer",
      minimum: 1,
      maximum: limits.policy_test_repeats,
      description: "So many times in a row, each as expected; after_seconds is between them too.",
    },
    expect: {
      enum: ["allow", "block", "escalate", "terminate", "started", "above_ceiling"],
      description: "What it is answered; left out for what only comes before.",
    },
    policy: { ...name, description: "Name of the policy that is the reason." },
    policies: {
      type: "array",
      maxItems: 16,
      items: name,
      description: "Names of all policies that had a say, in any order.",
    },
    shadowed: {
      type: "array",
      maxItems: 16,
      items: name,
      description: "Names of the policies in shadow that would have had a say, in any order.",
    },
    warning: {
      type: "string",
      minLength: 1,
      description: "A part of what the caller is told beside an allow.",
    },
    budgets: {
      type: "object",
      description: "With start: the budgets that the session gets, those that are named.",
    },
  },
};

export const test_schema: Schema = {
  $schema: "http://json-schema.org/draft-07/schema#",
  title: "Tests of Killcord policies",
  description: "What policies must say of actions. `killcord policy test` runs it, without a server.",
  type: "object",
  required: ["tests"],
  additionalProperties: false,
  properties: {
    policies: {
      type: "array",
      minItems: 1,
      maxItems: limits.policy_files,
      items: { type: "string", minLength: 1, maxLength: 1024 },
      description: "Files with the policies, from this one; default the file of the same name without .test.",
    },
    tests: {
      type: "array",
      minItems: 1,
      maxItems: limits.policy_tests,
      items: {
        type: "object",
        required: ["name", "actions"],
        additionalProperties: false,
        properties: {
          name: { ...name, description: "What must be so, as a sentence." },
          at: { ...moment, description: "When it begins; default 2026-01-05T12:00:00Z, a Monday." },
          ...session_members,
          sessions: {
            type: "object",
            maxProperties: 100,
            additionalProperties: {
              type: "object",
              additionalProperties: false,
              properties: session_members,
            },
            description: "Further sessions by name, for actions that name one.",
          },
          actions: {
            type: "array",
            minItems: 1,
            maxItems: limits.policy_test_actions,
            items: action,
            description: "What is asked for, in order.",
          },
        },
      },
    },
  },
};
