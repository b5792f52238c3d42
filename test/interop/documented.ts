/** The commands of docs/clients.md, run as a reader's shell does. */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { delimiter, resolve } from "node:path";
import { promisify } from "node:util";
import { blocksOf } from "../docs/document.js";

/** The one command of the page with these words in it. */
export function documented(words: string): string {
  const commands = blocksOf(readFileSync("docs/clients.md", "utf8")).filter(({ kind }) => kind === "sh");
  const found = commands.filter(({ text }) => text.includes(words));
  if (found[0] === undefined || found.length > 1) {
    throw new Error(`docs/clients.md has ${found.length} commands with "${words}" in it`);
  }
  return found[0].text;
}

/** What a shell of ours finds: the reader's programs, and those that the suite has put into .build/go. */
export const shell_path = [...goTools(), process.env.PATH].join(delimiter);

/** Runs a command to its end; resolves to what it printed. */
export async function shell(command: string, env: Record<string, string> = {}): Promise<string> {
  const { stdout } = await promisify(execFile)("sh", ["-ec", command], {
    env: { ...process.env, PATH: shell_path, NO_PROXY: "127.0.0.1", ...env },
  });
  return stdout;
}

function goTools(): string[] {
  try {
    return readdirSync(".build/go").map((folder) => resolve(".build/go", folder));
  } catch {
    return [];
  }
}
