/** Why a decision is what it is, for people and as JSON. */

import type { ExplainedBudget, ExplainedPolicy, ExplainedUnit, Explanation } from "../engine/explanation.js";
import { marksOf, step_words, steps } from "../engine/precedence.js";
import { nextStep } from "../services/next-step.js";
import { showUsd } from "./budget-view.js";
import { colour, plain } from "./output.js";
import type { SealedText } from "./sealed-entries.js";
import { pairs, table } from "./table.js";

/** Text for people. */
export function explanationText(entry: SealedText, explanation: Explanation): string {
  const { decision } = explanation;
  const verdict = decision.decision;
  const tint = verdict === "allow" ? "green" : verdict === "terminate" ? "red" : "yellow";
  const parts = [
    `${colour("bold", colour(tint, verdict))}: ${plain(decision.reasoning)}`,
    pairs(headOf(entry, explanation)),
    section("What decided", precedenceOf(explanation)),
    section("Policies that had a say, as they were then", policyTable(explanation.policies)),
    section("Policies in shadow mode that would have had one", policyTable(explanation.shadowed)),
    section("Policies that were asked and had none", silentOf(explanation)),
    section("Budgets after it", budgetTable(explanation.budgets)),
    section("Follows from", causesOf(explanation)),
    section("Next", nextStep(decision, explanation.session)),
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

/** Equal members to those that are sealed have equal names. */
export function explanationJson(entry: SealedText, explanation: Explanation): object {
  const { decision, session } = explanation;
  return {
    decision_id: decision.decision_id,
    entry_id: entry.entry_id,
    sequence_number: explanation.sequence_number,
    at: timeOf(decision.at),
    decision: decision.decision,
    reasoning: decision.reasoning,
    action_type: decision.action_type,
    agent_id: decision.agent_id,
    session_id: decision.session_id,
    escalation_id: decision.escalation_id,
    decided_by: explanation.decided_by,
    precedence: steps.map((step, i) => ({ number: i + 1, step, asks: step_words[step] })),
    policies: explanation.policies,
    policies_shadowed: explanation.shadowed,
    policies_silent: explanation.silent,
    policy_set_digest: decision.policy_set_digest,
    budgets: explanation.budgets.map(({ expires_at, ...budget }) => ({
      ...budget,
      expires_at: expires_at === null ? null : timeOf(expires_at),
    })),
    causes: explanation.causes.map(({ at, ...cause }) => ({ ...cause, at: at === null ? null : timeOf(at) })),
    next_step: nextStep(decision, session),
  };
}

function headOf(entry: SealedText, { decision, session }: Explanation): (readonly [string, string])[] {
  const said =
    decision.action_length === null
      ? "no text"
      : `a text of ${decision.action_length} bytes, which is not sealed`;
  const details =
    decision.details_digest !== null && entry.details === null ? "; its details were erased" : "";
  return [
    ["decision", decision.decision_id],
    ["entry", `${entry.entry_id}, number ${entry.sequence_number}`],
    ["at", timeOf(decision.at)],
    ["action", `${plain(decision.action_type)} with ${said}${details}`],
    ["agent", plain(decision.agent_id ?? "none")],
    ["session", decision.session_id === null ? "none" : plain(decision.session_id)],
    ...(session?.label == null ? [] : [["label", plain(session.label)] as const]),
    ...(decision.escalation_id === null ? [] : [["escalation", decision.escalation_id] as const]),
    ["policy set", decision.policy_set_digest],
  ];
}

function section(title: string, text: string): string {
  return text === "" ? "" : `${colour("bold", title)}\n${text}`;
}

function precedenceOf({ decided_by, decision }: Explanation): string {
  const marks = marksOf(decision, decided_by);
  return steps
    .map((step, i) => {
      const mark = marks[step];
      const line = `${String(i + 1).padStart(2)}  ${mark.padEnd(9)}  ${step_words[step]}`;
      return mark === "decided" ? colour("bold", line) : mark === "not asked" ? colour("dim", line) : line;
    })
    .join("\n");
}

function policyTable(policies: readonly ExplainedPolicy[]): string {
  if (policies.length === 0) return "";
  return table(
    [
      { heading: "DECISION" },
      { heading: "POLICY" },
      { heading: "VERSION" },
      { heading: "SEALED IN" },
      { heading: "BECAUSE" },
    ],
    policies.map((policy) => [
      policy.decision,
      plain(policy.name),
      policy.version === undefined ? "built in" : String(policy.version),
      policy.sequence_number === null ? "" : String(policy.sequence_number),
      plain(policy.reason),
    ]),
  );
}

function silentOf({ silent }: Explanation): string {
  return silent.map(({ name, version }) => `${plain(name)} (version ${version})`).join(", ");
}

function budgetTable(budgets: readonly ExplainedBudget[]): string {
  const rows = budgets.flatMap(({ session_id, is_own, units }) =>
    units
      .filter(({ limit, spent, reserved }) => limit !== null || spent > 0 || reserved > 0)
      .map((unit) => [
        `${plain(session_id)}${is_own ? "" : " (above it)"}`,
        unit.unit === "cost_usd_micros" ? "cost" : unit.unit,
        shown(unit, unit.spent),
        shown(unit, unit.reserved),
        unit.limit === null ? "none" : shown(unit, unit.limit),
        unit.left === null ? "" : shown(unit, unit.left),
      ]),
  );
  if (rows.length === 0) return "";
  const right = { align: "right" } as const;
  return table(
    [
      { heading: "SESSION" },
      { heading: "UNIT" },
      { heading: "SPENT", ...right },
      { heading: "HELD", ...right },
      { heading: "LIMIT", ...right },
      { heading: "LEFT", ...right },
    ],
    rows,
  );
}

function shown({ unit }: ExplainedUnit, amount: number): string {
  return unit === "cost_usd_micros" ? showUsd(amount) : String(amount);
}

function causesOf({ causes }: Explanation): string {
  if (causes.length === 0) return "";
  return table(
    [{ heading: "ENTRY", align: "right" }, { heading: "EVENT" }, { heading: "AT" }, { heading: "SAYS" }],
    causes.map(({ sequence_number, event, at, reason }) => [
      String(sequence_number),
      event,
      at === null ? "" : timeOf(at),
      plain(reason ?? ""),
    ]),
  );
}

function timeOf(at: number): string {
  return new Date(at).toISOString();
}
