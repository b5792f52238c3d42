/** `killcord policy explain`: why a decision is what it is. */
import type { Command } from "commander";
import { sequenceOf } from "../core/ids.js";
import type { Explanation } from "../engine/explanation.js";
import { CommandFailure } from "./failure.js";
import { print, printJson } from "./output.js";
import { type LogOptions, logOptions, readLog, type SealedText } from "./sealed-entries.js";
import { command } from "./teach.js";

export function policyExplainCommand(): Command {
  const made = command("explain", {
    summary: "print why a decision is what it is",
    description:
      "Reads the sealed log up to a decision and prints why it was made: the step that decided, every policy that " +
      "had a say in the version of then, what the budgets had left, the entries that it follows from, and what " +
      "to do next. From a server (with a key of role auditor), from the data directory of a stopped one, or from " +
      "an export, which `killcord verify` can check first.",
    examples: [
      "killcord policy explain enf_69a8646d3320",
      "killcord policy explain enf_69a8646d3320 --export evidence --json",
    ],
  }).argument("<decision_id>", "as a verdict names it: enf_ and 12 hex digits");
  return logOptions(made).action(async (decision_id: string, options: LogOptions) => {
    const sequence = sequenceOf("enf", decision_id);
    if (sequence === null) {
      throw new CommandFailure(
        "decision_not_found",
        1,
        `${decision_id} is no id of a decision: enf_ and 12 hex digits`,
      );
    }
    const { entry, explanation } = await find(options, sequence, decision_id);
    const { explanationJson, explanationText } = await import("./policy-explain-view.js");
    if (options.json) printJson({ ok: true, ...explanationJson(entry, explanation) });
    else print(explanationText(entry, explanation));
  });
}

interface Found {
  readonly entry: SealedText;
  readonly explanation: Explanation;
}

async function find(options: LogOptions, sequence: number, decision_id: string): Promise<Found> {
  const { Explainer } = await import("../engine/explanation.js");
  const explainer = new Explainer(sequence);
  let found: Found | null = null;
  await readLog(
    options,
    "reading the log",
    (entry) => {
      const explanation = explainer.take(entry);
      if (explanation !== null && explanation !== "other") {
        found = { entry, explanation };
      }
      return entry.sequence_number < sequence;
    },
    sequence + 1,
  );
  if (found === null) {
    throw new CommandFailure(
      "decision_not_found",
      1,
      `there is no decision ${decision_id} in this log, as far as a checkpoint covers it`,
    );
  }
  return found;
}
