/** `killcord vault`: what an operator does with the log of a stopped server. */
import { randomBytes } from "node:crypto";
import type { Command } from "commander";
import { limits } from "../limits.js";
import { type CheckReport, checkVault } from "../vault/check.js";
import { openStoreIn } from "../vault/level.js";
import { repairVault } from "../vault/repair.js";
import { openVault } from "../vault/start.js";
import { StartError } from "../vault/start-error.js";
import { CommandFailure } from "./failure.js";
import { note, plain, print, printJson } from "./output.js";
import { command } from "./teach.js";

interface VaultCommandOptions {
  readonly data: string;
  readonly checkpoints?: string;
  readonly json?: true;
}

/** `killcord vault`. */
export function vaultCommand(): Command {
  return command("vault", {
    summary: "check, repair or adopt the log of a stopped server",
    description:
      "Works on the data directory of a server that is stopped. A running one reads its log again by itself, once a day.",
    examples: ["killcord vault check --data killcord-data"],
  })
    .addCommand(checkCommand())
    .addCommand(repairCommand())
    .addCommand(adoptCommand());
}

function onStopped(made: Command): Command {
  return made
    .option("--data <folder>", "the data directory", "./killcord-data")
    .option("--checkpoints <folder>", "where checkpoints.log is, if it is elsewhere (KILLCORD_CHECKPOINTS)")
    .option("--json", "print one JSON document");
}

/** Where checkpoints.log is: the server's own setting counts here too. */
function placeOf({ data, checkpoints }: VaultCommandOptions) {
  return { directory: data, checkpoints: checkpoints ?? process.env.KILLCORD_CHECKPOINTS };
}

function checkCommand(): Command {
  const made = command("check", {
    summary: "read everything and say what holds",
    description:
      "Reads every entry with its signature, every checkpoint that was kept, and every file of the static log. Changes nothing. Exit status 1 when something is not as it was sealed.",
    examples: ["killcord vault check --data killcord-data", "killcord vault check --json"],
  }).action(async (options: VaultCommandOptions) => {
    const report = await told(() =>
      checkVault({ ...placeOf(options), journal: openStoreIn(options.data).journal }),
    );
    show(report, options);
    if (!isWhole(report)) {
      throw new CommandFailure(
        "data_loss",
        1,
        "files of the static log are not what the entries say: `killcord vault repair` writes them anew",
      );
    }
  });
  return onStopped(made);
}

function repairCommand(): Command {
  const made = command("repair", {
    summary: "restore what the entries and the static log still tell of each other",
    description:
      "Checks everything first. Files of the static log (log/) that are missing or wrong are made again from the entries, damaged leaves of entries (their hashes and signatures) are taken from the static log, and that it was done is sealed. What an entry says is in the store alone: where that is damaged, put the store back from a copy.",
    examples: ["killcord vault repair --data killcord-data"],
  }).action(async (options: VaultCommandOptions) => {
    const found = await told(() =>
      repairVault({
        ...placeOf(options),
        journal: () => openStoreIn(options.data).journal,
        heartbeat_seconds: limits.heartbeat_seconds,
        now: Date.now,
        random: randomBytes,
        onWarning: note,
      }),
    );
    show(found, options);
    if (!options.json) {
      const files = found.missing.length + found.different.length;
      const leaves = found.restored_leaves.length;
      print(
        files + leaves === 0
          ? "nothing was to be repaired"
          : `${files} files of the static log were written anew, ${leaves} leaves of entries restored from it`,
      );
    }
  });
  return onStopped(made);
}

function adoptCommand(): Command {
  const made = command("adopt", {
    summary: "sign the first checkpoint of a log that has none",
    description:
      "For a log of a version without checkpoints. Every entry and signature is checked, then the first checkpoint is signed over what is there. It cannot prove that nothing was cut off before: whoever lost checkpoints.log should restore it instead.",
    examples: ["killcord vault adopt --data killcord-data"],
  }).action(async (options: VaultCommandOptions) => {
    const vault = await told(() =>
      openVault({
        ...placeOf(options),
        adopt: true,
        journal: openStoreIn(options.data).journal,
        heartbeat_seconds: limits.heartbeat_seconds,
        now: Date.now,
        random: randomBytes,
        onWarning: note,
      }),
    );
    const { size } = vault.publication.signed;
    const { origin } = vault;
    await vault.close();
    if (options.json) {
      printJson({ ok: true, origin, newest_checkpoint: size });
    } else {
      print(`${origin}: the newest checkpoint covers ${size} entries`);
      print("not proven: that nothing was cut off the end of the log, or written anew, before this moment");
    }
  });
  return onStopped(made);
}

async function told<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof StartError ? new CommandFailure(error.code, 1, error.message) : error;
  }
}

function isWhole({ missing, different }: CheckReport): boolean {
  return missing.length === 0 && different.length === 0;
}

function show(report: CheckReport, options: VaultCommandOptions): void {
  if (options.json) {
    printJson({ ok: isWhole(report), ...report });
    return;
  }
  const { origin, entries, newest_checkpoint, beyond, roots_compared, head_mark, log_files } = report;
  print(origin);
  print(`entries       ${entries}, every hash and signature holds`);
  print(
    `checkpoints   the newest covers ${newest_checkpoint}; ${roots_compared} roots computed anew are those that were signed`,
  );
  const { shown_checkpoint, witnesses } = report;
  const cosigned = witnesses.length === 0 ? "" : `, signed by ${plain(witnesses.join(", "))} too`;
  print(
    shown_checkpoint === newest_checkpoint
      ? `shown         the newest${cosigned}`
      : `shown         the one over ${shown_checkpoint ?? 0} entries${cosigned}; the newest is unwitnessed, or was never shown`,
  );
  print(`beyond it     ${beyond} entries, which the next start signs`);
  print(`head mark     ${head_mark}`);
  print(`static log    ${log_files} files`);
  for (const [word, paths] of [
    ["missing", report.missing],
    ["different", report.different],
  ] as const) {
    for (const path of paths.slice(0, limits.files_named)) {
      print(`  ${word} log/${path}`);
    }
    if (paths.length > limits.files_named) {
      print(`  and ${paths.length - limits.files_named} more`);
    }
  }
}
