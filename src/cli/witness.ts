/** `killcord witness`: a C2SP tlog-witness for another host than the log's. */
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { isOrigin } from "../vault/entry.js";
import { node_crypto } from "../vault/node-crypto.js";
import { type NoteKey, parseNoteKey } from "../vault/note.js";
import { CommandFailure, wrongUsage } from "./failure.js";
import { print } from "./output.js";
import { command } from "./teach.js";

interface Flags {
  readonly data: string;
  readonly listen: string;
  readonly name?: string;
  readonly log: readonly string[];
  readonly logs?: string;
}

/** The command, to be added to the program. */
export function witnessCommand(): Command {
  const made = command("witness", {
    summary: "vouch for logs of others, from another host",
    description:
      "Runs a witness (C2SP tlog-witness): it cosigns a log's checkpoint when that grew out of the last one that it saw, " +
      "so that a log cannot be cut, rewritten or shown in two ways without it. Run it where the log's operator has no " +
      "say. The first start makes its key; hand the line that it prints to the log (KILLCORD_WITNESSES) and to auditors " +
      "(trust.json). It needs a backup that never goes back: a witness that forgets vouches for anything.",
    examples: [
      "killcord witness --name witness.example.org/w1 --logs logs.txt",
      "killcord witness --data /var/lib/witness --listen 0.0.0.0:7412 --log 'vault.example.com/acme+2573e3da+AR…'",
    ],
  });
  return made
    .option("--data <dir>", "folder for its key and what it remembers", "./killcord-witness")
    .option("--listen <host:port>", "address to listen on; port 0 takes a free one", "127.0.0.1:7412")
    .option("--name <name>", "its name, chosen at the first start: like a URL without its scheme")
    .option("--log <vkey>", "a key of a log to vouch for; may be given again", collect, [])
    .option("--logs <file>", "a file with such keys, one a line; # begins a remark")
    .action(async (flags: Flags) => {
      const { host, port } = readAddress(flags.listen);
      if (flags.name !== undefined && !isOrigin(flags.name)) {
        throw wrongUsage('--name: 1 to 200 printable ASCII characters without space or "+" were expected');
      }
      const logs = readLogs([...flags.log, ...(await linesOf(flags.logs))]);
      const { runWitness } = await import("./witnessing.js");
      await runWitness({ directory: flags.data, name: flags.name ?? null, host, port, logs }, print);
    });
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function readAddress(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  if (match === null || Number(match[3]) > 65_535) {
    throw wrongUsage(`--listen: "${text}" is not HOST:PORT, e.g. 127.0.0.1:7412`);
  }
  return { host: match[1] ?? (match[2] as string), port: Number(match[3]) };
}

async function linesOf(file: string | undefined): Promise<readonly string[]> {
  if (file === undefined) {
    return [];
  }
  const text = await readFile(file, "utf8").catch((error: Error) => {
    throw new CommandFailure("invalid_argument", 2, `--logs: ${error.message}`);
  });
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

/** Keys by the log that has them. */
function readLogs(vkeys: readonly string[]): ReadonlyMap<string, readonly NoteKey[]> {
  const logs = new Map<string, NoteKey[]>();
  for (const vkey of vkeys) {
    const key = parseNoteKey(vkey, node_crypto.sha256);
    if (key === null || key.type === 0x04 || !isOrigin(key.name)) {
      throw wrongUsage(`"${vkey}" is not the key of a log: they stand in trust.json as checkpoint_keys`);
    }
    logs.set(key.name, [...(logs.get(key.name) ?? []), key]);
  }
  if (logs.size === 0) {
    throw wrongUsage("no log to vouch for: --log or --logs names the keys of each");
  }
  return logs;
}
