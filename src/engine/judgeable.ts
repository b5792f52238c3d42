/** Which candidates can be judged on a sealed decision, and which would need what is not there. */
import { compile } from "../core/policy/compile.js";
import type { PolicyDocument } from "../core/policy/document.js";
import { matches } from "../core/policy/glob.js";
import type { Policy } from "../core/policy/policy.js";

/** What a candidate reads beyond the entry itself. */
export interface Needs {
  readonly text: boolean;
  readonly metadata: boolean;
  /** What the action costs: sealed only where it was allowed. */
  readonly amounts: boolean;
  /** Whether it compares the texts of actions: of none that it is about is it known what came before. */
  readonly earlier_texts: boolean;
  /** Whether it judges actions at all: others give or bound the budgets of sessions that start. */
  readonly judges_actions: boolean;
}

/** What is known of a sealed decision; what it never had is known. */
export type Known = Readonly<Record<"text" | "metadata" | "amounts", boolean>>;

export interface Chosen {
  readonly policies: ReadonlyMap<string, Policy>;
  /** Ids of those about an action of this type that are not among them. */
  readonly not_judged: readonly string[];
}

export class Judgeable {
  readonly needs: ReadonlyMap<string, Needs>;
  readonly #policies: ReadonlyMap<string, Policy>;
  /** One map for each of the cases: sets of policies are arranged once for each map. */
  readonly #chosen = new Map<string, ReadonlyMap<string, Policy>>();

  constructor(policies: ReadonlyMap<string, Policy>) {
    this.#policies = policies;
    this.needs = new Map([...policies].map(([policy_id, { document }]) => [policy_id, needsOf(document)]));
  }

  /** The candidates that what is known suffices for. */
  for(action_type: string, known: Known): Chosen {
    const key = `${known.text} ${known.metadata} ${known.amounts}`;
    const isKnown = (policy_id: string) => {
      const { text, metadata, amounts, earlier_texts } = this.needs.get(policy_id) as Needs;
      return (
        !earlier_texts &&
        (known.text || !text) &&
        (known.metadata || !metadata) &&
        (known.amounts || !amounts)
      );
    };
    let policies = this.#chosen.get(key);
    if (policies === undefined) {
      policies = new Map([...this.#policies].filter(([policy_id]) => isKnown(policy_id)));
      this.#chosen.set(key, policies);
    }
    if (policies.size === this.#policies.size) {
      return { policies, not_judged: [] };
    }
    const not_judged = [...this.#policies]
      .filter(([policy_id, { document }]) => !isKnown(policy_id) && isAbout(document, action_type))
      .map(([policy_id]) => policy_id);
    return { policies, not_judged };
  }
}

/** What a policy reads, and whether it judges actions. */
export function needsOf(document: PolicyDocument): Needs {
  const { reads_text, judges_actions } = compile(document);
  // A path into it, or an expression that names it.
  const conditions = JSON.stringify(document.conditions);
  const metadata = document.policy_type === "threshold" || conditions.includes("metadata");
  const amounts = /tokens|cost_usd/.test(conditions);
  const earlier_texts = document.policy_type === "loop";
  return { text: reads_text, metadata, amounts, earlier_texts, judges_actions };
}

function isAbout({ action_types, enabled }: PolicyDocument, action_type: string): boolean {
  return (
    enabled && (action_types.length === 0 || action_types.some((pattern) => matches(pattern, action_type)))
  );
}
