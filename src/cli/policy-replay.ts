/** `killcord policy replay`: what policies would have done to what was decided. */
import { createHash } from "node:crypto";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { PolicyDocument } from "../core/policy/document.js";
import type { ReplayTally } from "../engine/replay-tally.js";
import { limits } from "../limits.js";
import { print, printJson } from "./output.js";
import { policyDirectory } from "./packs.js";
import { policiesAt } from "./policy-folder.js";
import { type LogOptions, logOptions, readLog } from "./sealed-entries.js";
import { command } from "./teach.js";
import { parseDuration } from "./time.js";

interface ReplayOptions extends LogOptions {
  readonly since: bigint;
  readonly limit?: number;
}

export function policyReplayCommand(): Command {
  const made = command("replay", {
    summary: "show what policies would have changed",
    description:
      "Judges sealed decisions anew by the policies of a directory or of files, in place of all that were in force " +
      "then, with the code that judges live ones, and shows what would have been decided otherwise. Nothing is " +
      "changed anywhere. The text of actions is never sealed: a policy that reads it is not guessed but named as " +
      "not replayable, and so is one that reads metadata that was erased.",
    examples: [
      "killcord policy replay policies --since 7d",
      "killcord policy replay policies/spending.yaml --since 30d --export evidence --json",
    ],
  })
    .argument(
      "<paths...>",
      "directories or files of policies, or pack:NAME",
      (path: string, before: readonly string[] | undefined) => [...(before ?? []), policyDirectory(path)],
    )
    .addOption(
      // In words: the help cannot show a bigint.
      new Option("--since <duration>", "look at decisions this young, e.g. 12h or 30d")
        .default(7n * 86_400n, "7d")
        .argParser(parseDuration),
    )
    .option(
      "--limit <n>",
      "changed decisions to list, at most 10000 (default 20, with --json 1000)",
      readLimit,
    );
  return logOptions(made).action(async (paths: readonly string[], options: ReplayOptions) => {
    const candidates = await policiesAt(paths, idOf);
    const tally = await replayed(candidates, options);
    const { replayJson, replayText } = await import("./policy-replay-view.js");
    if (options.json) printJson({ ok: true, ...replayJson(candidates, tally) });
    else print(replayText(candidates, tally));
  });
}

async function replayed(candidates: readonly PolicyDocument[], options: ReplayOptions): Promise<ReplayTally> {
  const listed = options.limit ?? (options.json ? 1000 : 20);
  const { PolicyReplay } = await import("../engine/policy-replay.js");
  const { ReplayTally } = await import("../engine/replay-tally.js");
  const tally = new ReplayTally(listed, limits);
  const since = Date.now() - Number(options.since) * 1000;
  const replay = new PolicyReplay(candidates);
  await readLog(options, "replaying", (entry) => {
    const decision = replay.take(entry);
    if (decision !== null && decision.at >= since) {
      tally.take(decision);
    }
    return true;
  });
  return tally;
}

/** Policies have no id before a server takes them; the same name gives the same one. */
function idOf(name: string): string {
  return createHash("sha256").update(name).digest("hex").slice(0, 32);
}

function readLimit(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 10_000) {
    throw new InvalidArgumentError("Expected a whole number from 0 to 10000.");
  }
  return Number(text);
}
