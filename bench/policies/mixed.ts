/** Policies of every type, as a workspace might have them: half of them are about the action that is asked for, and none of these finds anything. */
import type { JsonObject } from "@bufbuild/protobuf";

/** What is asked for. */
export const action = {
  action_type: "payment.transfer",
  action_content: JSON.stringify({
    tool: "bank.transfer",
    arguments: { from: "DE02120300000000202051", to: "DE02500105170137075030", amount: "125.00 EUR" },
    purpose:
      "invoice 2026-1187, second reminder; please book it on the account of the project and send a receipt",
    thought:
      "The user asked to settle what is open with the supplier. The invoice is due today and was approved.",
  }),
  metadata: {
    amount: 125,
    currency: "EUR",
    to: { country: "DE", known: true },
    tags: ["invoice", "supplier"],
  },
};

const words = [
  "drop",
  "secret",
  "password",
  "truncate",
  "exfiltrate",
  "wallet",
  "sudo",
  "chmod",
  "curl",
  "token",
];

const patterns: readonly ((word: string, i: number) => string)[] = [
  (word, i) => `(?i)\\b${word}\\s+(table|schema|user)_${i}`,
  (word, i) => `\\b${word.toUpperCase()}[_-][A-Z0-9]{${8 + (i % 24)}}\\b`,
  (word, i) => `(?i)(send|post|upload)\\b.{0,${20 + i}}\\b${word}s?\\b`,
  (_, i) => `\\b\\d{4}[ -]\\d{4}[ -]\\d{4}[ -]${1000 + i}\\b`,
];

const kinds: readonly ((i: number) => JsonObject)[] = [
  (i) => ({ policy_type: "action_type", action_types: [`tool_${i}.*`, `*.delete_${i}`] }),
  (i) => ({
    policy_type: "content_pattern",
    conditions: { patterns: [0, 1].map((n) => pattern(2 * i + n)) },
  }),
  (i) => ({
    policy_type: "threshold",
    conditions: {
      path: i % 2 === 0 ? "/amount" : "/to/score",
      operator: "gt",
      value: 1000 + i + 0.5,
      missing: "pass",
    },
  }),
  (i) => ({
    policy_type: "temporal",
    conditions: {
      zone: ["UTC", "Europe/Berlin", "America/New_York"][i % 3] as string,
      from: "00:00",
      to: "00:00",
      outside: true,
    },
  }),
  (i) => ({
    policy_type: "cel",
    conditions: {
      expression: `has(metadata.amount) && metadata.amount > ${5000 + i}.0 && !(metadata.to.country in ["DE", "FR"])`,
    },
  }),
  (i) => ({
    policy_type: "rate",
    conditions: { by: i % 2 === 0 ? "session" : "agent", count: 100_000, window_seconds: 1 + (i % 4) },
  }),
  (i) => ({ policy_type: "sequence", conditions: { steps: [`secrets.read_${i}`, "net.*"], by: "session" } }),
  (i) => ({
    policy_type: "window",
    conditions: {
      by: "label",
      value: `team-${i}-*`,
      period: "day",
      zone: "Europe/Berlin",
      max_actions: 1_000_000,
    },
  }),
];

function pattern(n: number): string {
  const make = patterns[n % patterns.length] as (word: string, i: number) => string;
  return make(words[n % words.length] as string, n);
}

/** So many policies, in turns of every type; every other one is about actions that nobody asks for. */
export function mixed(count: number): readonly JsonObject[] {
  return Array.from({ length: count }, (_, n) => {
    const kind = kinds[n % kinds.length] as (i: number) => JsonObject;
    const i = Math.floor(n / kinds.length);
    const about =
      i % 2 === 0 ? { action_types: i % 4 === 0 ? [] : ["payment.*"] } : { action_types: [`other_${n}.*`] };
    return {
      name: `policy ${n}`,
      decision: i % 3 === 0 ? "escalate" : "block",
      priority: n % 7,
      ...about,
      ...kind(i),
    };
  });
}
