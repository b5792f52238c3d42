/** `killcord export`: the evidence, as files. */
import { resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import type { AccessOptions } from "./access.js";
import { withServer } from "./client.js";
import { prepareFolder, type WrittenFile, writeExport } from "./export-files.js";
import { note, print, printJson } from "./output.js";
import { exportStopped } from "./stopped-store.js";
import { command, talksToServer } from "./teach.js";

interface ExportOptions extends AccessOptions {
  readonly out: string;
  readonly force?: true;
  readonly data?: string;
  readonly checkpoints?: string;
  readonly session?: string;
  readonly size?: bigint;
}

/** `killcord export`. */
export function exportCommand(): Command {
  const made = command("export", {
    summary: "write the sealed evidence to a folder",
    description:
      "Writes the sealed log up to its newest checkpoint into a folder: bundle.json, the entries; log/, the " +
      "static log of the same size; trust.json, the keys to check them with. With --session it is a slice: one " +
      "session alone, each entry with the proof that it stands in the log. " +
      "`killcord verify FOLDER` checks them on any machine, without a server or a network. An auditor should " +
      "get trust.json by another way than the bundle: a log that brings its own keys vouches for itself.",
    examples: [
      "killcord export --out evidence",
      "killcord export --out evidence --session sess_005f0c2a9be1d34c7788aa01",
      "killcord export --out evidence --data killcord-data",
      "killcord verify evidence",
    ],
  })
    .requiredOption("--out <folder>", "where to: a folder that is empty or does not exist")
    .option("--force", "replace the export in a folder that is not empty")
    .option("--session <id>", "one session alone, with proofs")
    .option("--size <entries>", "up to the checkpoint of this size instead of the newest", readSize)
    .option("--checkpoints <folder>", "where checkpoints.log is, with --data, if it is elsewhere")
    .option("--data <folder>", "export from the data directory of a stopped server instead of a running one")
    .action(async (options: ExportOptions) => {
      await prepareFolder(options.out, options.force === true);
      if (options.data !== undefined) {
        const stopped = { data: options.data, checkpoints: options.checkpoints };
        const pieces = exportStopped(stopped, options.session ?? null, tellLeftOut);
        report(options, await writeExport(options.out, pieces));
        return;
      }
      await withServer(options, async (server) => {
        const pieces = server.vault.exportBundle(requestOf(options), { timeoutMs: 0 });
        report(options, await writeExport(options.out, pieces));
      });
    });
  return talksToServer(made);
}

function requestOf({ session, size = 0n }: ExportOptions) {
  return { size, ...(session === undefined ? {} : { sessionId: session }) };
}

function readSize(text: string): bigint {
  if (!/^[1-9][0-9]{0,14}$/.test(text)) {
    throw new InvalidArgumentError("a number of entries from 1 up is needed");
  }
  return BigInt(text);
}

function tellLeftOut(entries: number): void {
  note(
    `${entries} entries after the newest checkpoint are left out: start the server once, and it signs them`,
  );
}

function report(options: ExportOptions, files: readonly WrittenFile[]): void {
  if (options.json) {
    printJson({ ok: true, folder: resolve(options.out), files });
    return;
  }
  for (const file of files) print(`${file.path}  ${file.bytes} bytes  sha256 ${file.sha256}`);
  print(`exported to ${options.out}: check it with \`killcord verify ${options.out}\``);
}
