/** `killcord export`: the evidence, as files. */
import { resolve } from "node:path";
import type { Command } from "commander";
import type { AccessOptions } from "./access.js";
import { withServer } from "./client.js";
import { prepareFolder, type WrittenFile, writeExport } from "./export-files.js";
import { print, printJson } from "./output.js";
import { exportStopped } from "./stopped-store.js";
import { command, talksToServer } from "./teach.js";

interface ExportOptions extends AccessOptions {
  readonly out: string;
  readonly force?: true;
  readonly data?: string;
}

/** `killcord export`. */
export function exportCommand(): Command {
  const made = command("export", {
    summary: "write the sealed evidence to a folder",
    description:
      "Writes bundle.json, the whole sealed log, and trust.json, the keys to check it with, into a folder. " +
      "`killcord verify FOLDER` checks them on any machine, without a server or a network. An auditor should " +
      "get trust.json by another way than the bundle: a log that brings its own keys vouches for itself.",
    examples: [
      "killcord export --out evidence",
      "killcord export --out evidence --data killcord-data",
      "killcord verify evidence",
    ],
  })
    .requiredOption("--out <folder>", "where to: a folder that is empty or does not exist")
    .option("--force", "replace the export in a folder that is not empty")
    .option("--data <folder>", "export from the data directory of a stopped server instead of a running one")
    .action(async (options: ExportOptions) => {
      await prepareFolder(options.out, options.force === true);
      if (options.data !== undefined) {
        report(options, await writeExport(options.out, exportStopped(options.data)));
        return;
      }
      await withServer(options, async (server) => {
        const pieces = server.vault.exportBundle({}, { timeoutMs: 0 });
        report(options, await writeExport(options.out, pieces));
      });
    });
  return talksToServer(made);
}

function report(options: ExportOptions, files: readonly WrittenFile[]): void {
  if (options.json) {
    printJson({ ok: true, folder: resolve(options.out), files });
    return;
  }
  for (const file of files) print(`${file.path}  ${file.bytes} bytes  sha256 ${file.sha256}`);
  print(`exported to ${options.out}: check it with \`killcord verify ${options.out}\``);
}
