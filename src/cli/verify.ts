/** `killcord verify`: judges an export with nothing but its files (vault-format.md, 9). */
import type { Dirent } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Command } from "commander";
import { node_crypto } from "../vault/node-crypto.js";
import { receiptKind, verifyReceipt } from "../vault/verify/receipt.js";
import { findingsOf, type Report } from "../vault/verify/report.js";
import { formatReport } from "../vault/verify/words.js";
import { verify } from "../vault/verify.js";
import { command } from "./teach.js";

export interface VerifyPathOptions {
  /** A trust.json that came by another way than with the evidence. */
  readonly trust?: string;
  /** Without `trust` there is no judgement. */
  readonly require_trust: boolean;
  readonly json: boolean;
}

/**
 * Judges an export folder or a bundle.json, with the trust.json and log/ that lie beside it, a
 * receipt.json or a tlog-proof.
 *
 * @returns what to print, without its last newline, and the exit status: 0 verified, 1 the evidence
 *   fails, 2 no judgement
 */
export async function verifyPath(
  path: string,
  options: VerifyPathOptions,
): Promise<{ readonly text: string; readonly exit: 0 | 1 | 2 }> {
  const is_folder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const folder = is_folder ? path : dirname(path);
  const trust_path = options.trust ?? (options.require_trust ? null : join(folder, "trust.json"));
  const trust = trust_path === null ? null : await bytesAt(trust_path);
  const report = await judge(path, is_folder, trust, options.trust !== undefined);
  const text = options.json ? ascii(JSON.stringify(findingsOf(report))) : formatReport(report);
  return { text, exit: report.exit };
}

async function judge(
  path: string,
  is_folder: boolean,
  trust: Uint8Array | null,
  trust_given: boolean,
): Promise<Report> {
  const how = { trust_given, crypto: node_crypto };
  const bytes = await bytesAt(is_folder ? join(path, "bundle.json") : path);
  const kind = is_folder || bytes === null ? null : receiptKind(bytes, path);
  if (kind !== null && bytes !== null) {
    return verifyReceipt(kind, bytes, trust, how);
  }
  const folder = is_folder ? path : dirname(path);
  return verify({ bundle: bytes, log: await filesBelow(join(folder, "log")) }, trust, how);
}

/** Ids out of the evidence must not command a terminal. */
function ascii(json: string): string {
  return json.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

async function bytesAt(path: string): Promise<Uint8Array | null> {
  try {
    // A pipe or a device would be waited for; neither is evidence.
    return (await stat(path)).isFile() ? await readFile(path) : null;
  } catch {
    return null;
  }
}

/** Every file below a folder by its path in it, with `/` between folders; null without that folder. */
async function filesBelow(folder: string): Promise<Map<string, Uint8Array> | null> {
  const files = new Map<string, Uint8Array>();
  const waiting = [""];
  for (let below = waiting.pop(); below !== undefined; below = waiting.pop()) {
    let entries: Dirent[];
    try {
      entries = await readdir(join(folder, below), { withFileTypes: true });
    } catch {
      if (below === "") {
        return null;
      }
      entries = [];
    }
    for (const entry of entries) {
      const name = `${below}${entry.name}`;
      if (entry.isDirectory()) {
        waiting.push(`${name}/`);
      } else {
        // What cannot be read stands there empty, so that it is seen to be wrong.
        files.set(name, (await bytesAt(join(folder, name))) ?? new Uint8Array(0));
      }
    }
  }
  return files;
}

/** The command, to be added to the program. */
export function verifyCommand(): Command {
  const made = command("verify", {
    summary: "check exported evidence or a receipt, offline",
    description:
      "Checks an export: every byte, hash and signature, the order of the entries, and that nothing was allowed after a stop. " +
      "Checks a receipt (receipt.json or FILE.tlog-proof): that one entry stands in the log. Needs no server, no network and no configuration. Without --trust the keys are those that the export itself names: " +
      "that shows that it is whole, not who made it. " +
      "Exit status: 0 verified, 1 the evidence fails, 2 no judgement (nothing to judge, or no usable trust.json).",
    examples: [
      "killcord verify evidence",
      "killcord verify evidence --trust trust.json",
      "killcord verify evidence/bundle.json --trust trust.json --json",
      "killcord verify receipt.json --trust trust.json",
    ],
  });
  return made
    .argument("<path>", "a folder with bundle.json, a bundle.json, a receipt.json or a .tlog-proof")
    .option("--trust <file>", "the trust.json that pins the keys; without it the one beside the bundle")
    .option("--require-trust", "give no judgement without --trust")
    .option("--json", "print one JSON document")
    .action(async (path: string, options: { trust?: string; requireTrust?: true; json?: true }) => {
      const { text, exit } = await verifyPath(path, {
        ...(options.trust === undefined ? {} : { trust: options.trust }),
        require_trust: options.requireTrust === true,
        json: options.json === true,
      });
      process.stdout.write(`${text}\n`);
      process.exitCode = exit;
    });
}
