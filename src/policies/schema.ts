/**
 * The JSON Schema of a policy, for files and calls alike; docs/policy.schema.json is its text. What a
 * server sets (the id, the side, times) is no part of it.
 */
import { policy_types } from "../core/policy/types.js";
import { limits } from "../limits.js";
import { condition_schemas, type Schema } from "./condition-schemas.js";

/** Members that the conditions of every type may have. */
const of_every_type: Readonly<Record<string, Schema>> = {
  warning: {
    type: "string",
    minLength: 1,
    maxLength: limits.reason_characters,
    description: "With the decision allow: what the caller is told beside it.",
  },
};

/** The types that the core can compile. */
const types = Object.keys(condition_schemas).filter((name) => Object.hasOwn(policy_types, name));

export const policy_schema: Schema = {
  $schema: "http://json-schema.org/draft-07/schema#",
  title: "Killcord policy",
  description: "What agents may do: one policy. A file may hold several, with a line `---` between them.",
  type: "object",
  required: ["name", "policy_type", "decision"],
  additionalProperties: false,
  properties: {
    name: {
      type: "string",
      minLength: 1,
      maxLength: limits.policy_name_characters,
      pattern: "^[^\\u0000-\\u001f\\u007f-\\u009f]*$",
      patternErrorMessage: "expected a text without control characters",
      description: "What people call it; no two policies alike. Sealed for ever: no personal data.",
    },
    description: {
      type: "string",
      maxLength: limits.policy_description_characters,
      description: "What it is for.",
    },
    policy_type: { enum: types, description: "What it looks at; says which conditions it takes." },
    decision: {
      enum: ["allow", "block", "escalate", "terminate"],
      description: "What it asks for where it applies. The most restrictive of all that apply wins.",
    },
    priority: {
      type: "integer",
      minimum: -(2 ** 31),
      maximum: 2 ** 31 - 1,
      description: "The higher is the reason among those that ask for the same; default 0.",
    },
    action_types: {
      type: "array",
      maxItems: limits.policy_action_types,
      items: {
        type: "string",
        maxLength: limits.policy_action_type_characters,
        pattern: "^[A-Za-z0-9_.:/*-]+$",
        patternErrorMessage: "expected A-Z a-z 0-9 _ . : / - and * for any text",
      },
      description: "The types of action that it looks at, `*` stands for any text; default all.",
    },
    conditions: { type: "object", description: "What must be so for it to apply, by policy_type." },
    trust_threshold: { type: "number", description: "Kept and not enforced." },
    mode: {
      enum: ["live", "shadow"],
      description: "In shadow, what it asks for is told and not done; default live.",
    },
    enabled: { type: "boolean", description: "Whether it is looked at; default true." },
  },
  allOf: types.map(branchOf),
};

/** What the schema says of one type. */
function branchOf(name: string): Schema {
  const { properties = {}, required = [] } = condition_schemas[name] ?? {};
  return {
    if: { type: "object", required: ["policy_type"], properties: { policy_type: { const: name } } },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: {
      type: "object",
      ...(required.length === 0 ? {} : { required: ["conditions"] }),
      properties: {
        conditions: {
          type: "object",
          properties: { ...properties, ...of_every_type },
          required,
          additionalProperties: false,
        },
      },
    },
  };
}
