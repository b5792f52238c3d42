/**
 * What the conditions of each type of policy look like, as JSON Schema: for editors, and for whoever
 * wants to hear of every fault at once. The core, which compiles them, has the last word.
 */

import { limits } from "../limits.js";

/** A JSON Schema of draft 7, as far as it is used here. */
export type Schema = { readonly [keyword: string]: unknown };

/** Members of the conditions of one type. */
interface ConditionSchema {
  readonly properties: Readonly<Record<string, Schema>>;
  readonly required: readonly string[];
}

const count = (description: string, minimum = 1): Schema => ({
  type: "integer",
  minimum,
  maximum: Number.MAX_SAFE_INTEGER,
  description,
});

const seconds = (description: string): Schema => ({
  type: "integer",
  minimum: 1,
  maximum: limits.policy_window_seconds_max,
  description,
});

const glob = (description: string): Schema => ({
  type: "string",
  minLength: 1,
  maxLength: limits.policy_glob_characters,
  description: `${description} \`*\` stands for any text.`,
});

const zone: Schema = {
  type: "string",
  minLength: 1,
  maxLength: 64,
  description: "A zone of the IANA database, for example Europe/Berlin or UTC.",
  examples: ["UTC", "Europe/Berlin", "America/New_York"],
};

const time_of_day = (description: string): Schema => ({
  type: "string",
  pattern: "^([01][0-9]|2[0-3]):[0-5][0-9]$",
  patternErrorMessage: "expected a time of day from 00:00 to 23:59, like 08:30",
  description,
});

/** An amount of money. */
export const condition_amount = (description: string): Schema => ({
  type: ["string", "number"],
  pattern: "^[0-9]{1,10}(\\.[0-9]{1,6})?$",
  patternErrorMessage: "expected US dollars as a decimal with at most 6 digits after the point, like 25.00",
  minimum: 0,
  maximum: Number.MAX_SAFE_INTEGER / 1_000_000,
  description: `${description} US dollars as a decimal, to a millionth.`,
  examples: ["25.00"],
});

const session_seconds = (description: string): Schema => ({
  type: "integer",
  minimum: 1,
  maximum: limits.session_seconds_max,
  description,
});

const budget_limits = {
  max_actions: count("Actions.", 0),
  ttl_seconds: session_seconds("Seconds from the start."),
  max_tokens: count("Tokens.", 0),
  max_cost_usd: condition_amount("Cost."),
  idle_timeout_seconds: session_seconds("Seconds without an action."),
  max_depth: { type: "integer", minimum: 1, maximum: 8, description: "Levels of sub-sessions." },
  max_concurrent: {
    type: "integer",
    minimum: 1,
    maximum: 1000,
    description: "Open reservations at a time.",
  },
};

/** Budgets that a ceiling bounds. */
const ceiling_budgets: Schema = {
  type: "object",
  minProperties: 1,
  additionalProperties: false,
  description: "The most that a session gets.",
  properties: budget_limits,
};

/** Budgets, as a session takes them when it starts. */
export const budgets_schema: Schema = {
  ...ceiling_budgets,
  description: "Budgets, as a session takes them when it starts.",
  properties: {
    ...budget_limits,
    on_exceeded: { enum: ["terminate", "pause"], description: "What an exhausted budget does." },
    warn_at_percent: {
      type: "array",
      maxItems: 8,
      items: { type: "integer", minimum: 1, maximum: 99 },
      description: "At which parts of its limits it is warned, in per cent.",
    },
  },
};

/** By policy_type. */
export const condition_schemas: Readonly<Record<string, ConditionSchema>> = {
  action_type: { properties: {}, required: [] },
  content_pattern: {
    properties: {
      patterns: {
        type: "array",
        minItems: 1,
        maxItems: 50,
        items: { type: "string", minLength: 1, maxLength: 1024 },
        description: "Regular expressions in the syntax of RE2, searched for in the action's text.",
      },
      case_insensitive: { type: "boolean", description: "Whether case is ignored; default false." },
      missing: {
        enum: ["match", "pass"],
        description: "What an action without a text is; default pass.",
      },
    },
    required: ["patterns"],
  },
  threshold: {
    properties: {
      path: {
        type: "string",
        pattern: "^(/([^~/]|~[01])*)+$",
        maxLength: 256,
        patternErrorMessage: "expected a path like /payment/amount, with ~1 for / and ~0 for ~ in a name",
        description: "Where the number stands in the action's metadata: a JSON pointer (RFC 6901).",
      },
      operator: {
        enum: ["gt", "gte", "lt", "lte", "eq", "ne"],
        description: "How the number is compared with value.",
      },
      value: { type: "number", description: "What it is compared with." },
      missing: {
        enum: ["match", "pass"],
        description:
          "What an action without such a number is; default match, but pass where the decision is allow.",
      },
    },
    required: ["path", "operator", "value"],
  },
  temporal: {
    properties: {
      zone,
      days: {
        type: "array",
        minItems: 1,
        maxItems: 7,
        uniqueItems: true,
        items: { type: "string", enum: ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] },
        description: "Days of the week; default all.",
      },
      from: time_of_day("From this time of day on; default the whole day."),
      to: time_of_day("Until before this time of day; earlier than from: of the next day."),
      outside: { type: "boolean", description: "Whether it applies outside these times; default false." },
    },
    required: ["zone"],
  },
  rate: {
    properties: {
      by: {
        enum: ["session", "agent", "label", "workspace"],
        description: "Whose actions are counted together.",
      },
      count: {
        ...count("So many pass in the window; the next one is what the policy is about."),
        maximum: limits.rate_count_max,
      },
      window_seconds: seconds("Length of the rolling window."),
      counts: {
        enum: ["asked", "allowed"],
        description: "Whether every action counts that was asked for (default), or those allowed.",
      },
    },
    required: ["by", "count", "window_seconds"],
  },
  sequence: {
    properties: {
      steps: {
        type: "array",
        minItems: 2,
        maxItems: limits.sequence_steps_max,
        items: glob("A type of action."),
        description: "Types of action in order, others may come between; it applies to the last.",
      },
      within_seconds: seconds("From the first step to the last."),
      by: { enum: ["session", "agent"], description: "Whose actions are followed; default session." },
    },
    required: ["steps"],
  },
  cel: {
    properties: {
      expression: {
        type: "string",
        minLength: 1,
        maxLength: 2048,
        description:
          "An expression in CEL that is true or false, over action, metadata, agent, label, session, budget and time.",
      },
      zone: { ...zone, description: "Whose clock time tells; default UTC. A zone of the IANA database." },
    },
    required: ["expression"],
  },
  loop: {
    properties: {
      count: {
        type: "integer",
        minimum: 2,
        maximum: limits.loop_actions,
        description: "It applies to the same action for so often, that one counted.",
      },
      window_seconds: seconds("Within this time."),
      cycle_length_max: {
        type: "integer",
        minimum: 1,
        maximum: 16,
        description: "The longest cycle of actions that is looked for.",
      },
      cycle_count: {
        type: "integer",
        minimum: 2,
        maximum: 8,
        description: "How often a cycle comes round; default 3, or count where that is less.",
      },
    },
    required: ["count", "window_seconds"],
  },
  window: {
    properties: {
      by: { enum: ["agent", "label", "workspace"], description: "Whose sessions are added up." },
      value: glob("Of which agents or labels; default each."),
      period: { enum: ["hour", "day", "month"], description: "By the calendar of the zone." },
      zone,
      max_actions: count("Actions in the period.", 0),
      max_tokens: count("Tokens in the period.", 0),
      max_cost_usd: condition_amount("Cost in the period."),
    },
    required: ["by", "period"],
  },
  default: {
    properties: { budgets: budgets_schema, agent: glob("Of which agents."), label: glob("Of which labels.") },
    required: ["budgets"],
  },
  ceiling: {
    properties: {
      budgets: ceiling_budgets,
      agent: glob("Of which agents."),
      label: glob("Of which labels."),
    },
    required: ["budgets"],
  },
};
