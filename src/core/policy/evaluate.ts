/** What the policies in force say of one action. Never throws: what cannot be judged is refused. */
import { limits } from "../../limits.js";
import type { PolicyTriggered, PolicyWarning, Verdict } from "../event-parts.js";
import type { ActionContext, Finding } from "./action.js";
import { PolicyError } from "./error.js";
import type { Policy } from "./policy.js";
import type { Judge, Judges } from "./set.js";

/** A policy that is about this very action, and what it does with it. */
export interface Found {
  readonly policy: Policy;
  readonly decision: Verdict;
  readonly reason: string;
  /** Whether it could not be judged, and is refused for that. */
  readonly failed: boolean;
}

export interface Evaluation {
  /** Ids of all that were asked. */
  readonly evaluated: readonly string[];
  /** Most restrictive first, then in order of precedence. */
  readonly enforced: readonly Found[];
  /** Of policies in shadow mode, likewise. */
  readonly shadowed: readonly Found[];
}

const ranks: Readonly<Record<Verdict, number>> = { allow: 0, escalate: 1, block: 2, terminate: 3 };

export function evaluate(judges: Pick<Judges, "asked" | "ids">, context: ActionContext): Evaluation {
  const enforced: Found[] = [];
  const shadowed: Found[] = [];
  for (const judge of judges.asked) {
    const found = ask(judge, context);
    if (found !== null) {
      (judge.policy.document.mode === "live" ? enforced : shadowed).push(found);
    }
  }
  return { evaluated: judges.ids, enforced: enforced.sort(stricter), shadowed: shadowed.sort(stricter) };
}

/** Sorting keeps the order of equal ones, which is that of precedence. */
function stricter(a: Found, b: Found): number {
  return ranks[b.decision] - ranks[a.decision];
}

function ask({ policy, compiled }: Judge, context: ActionContext): Found | null {
  if ("broken" in compiled) {
    return failed(policy, compiled.broken);
  }
  let finding: Finding | null;
  try {
    finding = compiled.judge(context);
  } catch (error) {
    // Only what we say ourselves is repeated: others' messages may hold what the caller sent.
    return failed(policy, error instanceof PolicyError ? error.message : "it cannot be evaluated");
  }
  return finding === null
    ? null
    : {
        policy,
        decision: finding.decision ?? policy.document.decision,
        reason: finding.reason,
        failed: false,
      };
}

function failed(policy: Policy, why: string): Found {
  return { policy, decision: "block", reason: `policy ${quotedName(policy)} failed: ${why}`, failed: true };
}

const verbs: Readonly<Record<Verdict, string>> = {
  allow: "allows",
  escalate: "escalates",
  block: "blocks",
  terminate: "terminates",
};

/** One sentence on the strictest. */
export function sentence({ policy, decision, reason, failed: is_failure }: Found): string {
  const text = is_failure ? reason : `policy ${quotedName(policy)} ${verbs[decision]} this: ${reason}`;
  return cut(text, limits.reason_characters);
}

function quotedName({ document }: Policy): string {
  return JSON.stringify(document.name);
}

/** Those that are named where they are sealed: the strictest, as far as they fit. */
export function named(found: readonly Found[]): readonly PolicyTriggered[] {
  return fitting(
    found.map(({ policy: { document, version }, decision, reason }) => ({
      policy_id: document.policy_id,
      name: document.name,
      decision,
      reason: cut(reason, limits.policy_reason_characters),
      version,
      priority: document.priority,
      policy_type: document.policy_type,
    })),
  );
}

/** What the policies that allow have to say to the caller. */
export function warningsOf(found: readonly Found[]): readonly PolicyWarning[] {
  return fitting(
    found.flatMap(({ policy: { document }, decision }) => {
      const { warning } = document.conditions;
      return decision === "allow" && typeof warning === "string"
        ? [{ policy_id: document.policy_id, message: warning }]
        : [];
    }),
  );
}

/** The first of a list that an entry has room for beside all else: a stop must always be sealable. */
function fitting<Each extends object>(list: readonly Each[]): readonly Each[] {
  const kept: Each[] = [];
  let bytes = 0;
  for (const each of list) {
    bytes += sealedLength(JSON.stringify(each));
    if (
      kept.length > 0 &&
      (kept.length >= limits.policies_triggered || bytes > limits.policies_triggered_bytes)
    ) {
      break;
    }
    kept.push(each);
  }
  return kept;
}

/** Bytes of a text as it is sealed: what is not ASCII takes six. */
function sealedLength(text: string): number {
  return text.length + 5 * (text.match(/[^\x20-\x7e]/g)?.length ?? 0);
}

/** A text within a number of characters, without half of a pair at its end. */
function cut(text: string, characters: number): string {
  if (text.length <= characters) {
    return text;
  }
  const end = text.slice(0, characters - 1).replace(/[\uD800-\uDBFF]$/, "");
  return `${end}…`;
}
