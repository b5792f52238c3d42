/** What a replay of policies comes to, for people and as JSON. */
import type { PolicyDocument } from "../core/policy/document.js";
import { type Needs, needsOf } from "../engine/judgeable.js";
import type { ReplayedDecision } from "../engine/policy-replay.js";
import type { GroupSum, ReplayTally } from "../engine/replay-tally.js";
import { colour, plain } from "./output.js";
import { table } from "./table.js";

const groups_shown = 10;

/** Why a policy was not asked about some decisions, or about any; null when it always was. */
function limitsOf({ text, metadata, amounts, earlier_texts, judges_actions }: Needs): string | null {
  if (!judges_actions) return "is about the budgets of sessions that start: not replayable";
  if (earlier_texts) return "compares the texts of actions, which are never sealed: not replayable";
  if (text) return "reads the text of actions, which is never sealed: not replayable where there was one";
  if (metadata) return "reads metadata: not replayable where that was erased or too large to be kept";
  return amounts
    ? "reads what actions cost: not replayable where that is not sealed, as of refused ones"
    : null;
}

/** Text for people. */
export function replayText(candidates: readonly PolicyDocument[], tally: ReplayTally): string {
  const names = new Map(candidates.map(({ policy_id, name }) => [policy_id, name]));
  const parts = [
    summaryOf(tally),
    section("By verdict", verdictTable(tally)),
    section("By policy", policyTable(candidates, tally)),
    section("By agent", groupTable("AGENT", tally.by_agent)),
    section("By session", groupTable("SESSION", tally.by_session)),
    section("Decisions that change", changeTable(tally, names)),
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

function summaryOf({ decisions, changed, uncertain, standings }: ReplayTally): string {
  const lines = [`${decisions} decisions, ${changed} would have been otherwise`];
  const told: (readonly [string, string])[] = [
    ["before_policies", "were answered before policies are asked: by stops, pauses and halts"],
    ["stopped_earlier", "are of sessions that would have been stopped before"],
    [
      "unknown",
      "cannot be told: of sessions that a policy of then stopped, or for want of what is not sealed",
    ],
  ];
  for (const [standing, words] of told) {
    const count = standings.get(standing) ?? 0;
    if (count > 0) lines.push(`  ${count} ${words}`);
  }
  if (uncertain > 0) {
    lines.push(
      `  ${uncertain} might have been stricter still: by policies that could not be asked about them`,
    );
  }
  return lines.join("\n");
}

function section(title: string, text: string): string {
  return text === "" ? "" : `${colour("bold", title)}\n${text}`;
}

function verdictTable({ before, after }: ReplayTally): string {
  const verdicts = [...new Set([...before.keys(), ...after.keys()])].sort();
  const right = { align: "right" } as const;
  return table(
    [{ heading: "VERDICT" }, { heading: "BEFORE", ...right }, { heading: "AFTER", ...right }],
    verdicts.map((verdict) => [verdict, String(before.get(verdict) ?? 0), String(after.get(verdict) ?? 0)]),
  );
}

function policyTable(candidates: readonly PolicyDocument[], tally: ReplayTally): string {
  const right = { align: "right" } as const;
  return table(
    [
      { heading: "POLICY" },
      { heading: "DECISION" },
      { heading: "HAD A SAY", ...right },
      { heading: "CHANGED", ...right },
      { heading: "NOT JUDGED", ...right },
      { heading: "" },
    ],
    candidates.map((document) => {
      const { triggered, changed, not_judged } = tally.of(document.policy_id);
      const shadow = document.mode === "shadow" ? "in shadow mode: changes nothing" : "";
      const off = document.enabled ? shadow : "is switched off";
      const why = limitsOf(needsOf(document));
      return [
        plain(document.name),
        document.decision,
        String(triggered),
        String(changed),
        String(not_judged),
        [off, why ?? ""].filter((words) => words !== "").join("; "),
      ];
    }),
  );
}

function groupTable(heading: string, groups: ReadonlyMap<string, GroupSum>): string {
  if (groups.size === 0) return "";
  const sorted = [...groups].sort(([, a], [, b]) => b.changed - a.changed);
  const shown = table(
    [{ heading }, { heading: "CHANGED", align: "right" }, { heading: "HOW" }],
    sorted
      .slice(0, groups_shown)
      .map(([id, { changed, by_change }]) => [
        plain(id),
        String(changed),
        [...by_change].map(([change, count]) => `${count} ${change}`).join(", "),
      ]),
  );
  const left = sorted.length - groups_shown;
  return left > 0 ? `${shown}\nand ${left} more` : shown;
}

function changeTable({ listed, changed }: ReplayTally, names: ReadonlyMap<string, string>): string {
  if (listed.length === 0) return "";
  const shown = table(
    [
      { heading: "DECISION" },
      { heading: "AGENT" },
      { heading: "ACTION" },
      { heading: "CHANGE" },
      { heading: "BECAUSE" },
    ],
    listed.map((each) => [
      each.decision_id,
      plain(each.agent_id ?? "-"),
      plain(each.action_type),
      `${each.before} -> ${each.after ?? "unknown"}`,
      plain(becauseOf(each, names)),
    ]),
  );
  const left = changed - listed.length;
  return left > 0 ? `${shown}\nand ${left} more: --limit lists them` : shown;
}

function becauseOf(
  { after_reason, not_judged }: ReplayedDecision,
  names: ReadonlyMap<string, string>,
): string {
  return not_judged.length === 0
    ? after_reason
    : `${after_reason} (not judged: ${not_judged.map((id) => names.get(id) ?? id).join(", ")})`;
}

/** Policies go by their names here: the ids are made up until a server takes them. */
export function replayJson(candidates: readonly PolicyDocument[], tally: ReplayTally): object {
  const names = new Map(candidates.map(({ policy_id, name }) => [policy_id, name]));
  const nameOf = (policy_id: string) => names.get(policy_id) ?? policy_id;
  return {
    decisions: tally.decisions,
    changed: tally.changed,
    uncertain: tally.uncertain,
    standings: Object.fromEntries(tally.standings),
    before: Object.fromEntries(tally.before),
    after: Object.fromEntries(tally.after),
    changes: Object.fromEntries(tally.changes),
    policies: candidates.map((document) => ({
      name: document.name,
      decision: document.decision,
      mode: document.mode,
      enabled: document.enabled,
      ...tally.of(document.policy_id),
      not_replayable: limitsOf(needsOf(document)),
    })),
    by_agent: groupsJson(tally.by_agent),
    by_session: groupsJson(tally.by_session),
    listed: tally.listed.map(({ at, triggered, shadowed, not_judged, ...rest }) => ({
      ...rest,
      at: new Date(at).toISOString(),
      triggered: triggered.map(({ name, decision, reason }) => ({ name, decision, reason })),
      shadowed: shadowed.map(({ name, decision, reason }) => ({ name, decision, reason })),
      not_judged: not_judged.map(nameOf),
    })),
  };
}

function groupsJson(groups: ReadonlyMap<string, GroupSum>): readonly object[] {
  return [...groups].map(([id, { changed, by_change }]) => ({
    id,
    changed,
    changes: Object.fromEntries(by_change),
  }));
}
