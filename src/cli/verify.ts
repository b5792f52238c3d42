/** `killcord verify`: judges an export with nothing but its files (vault-format.md, 9). */
import { stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import type { Command } from "commander";
import { limits } from "../limits.js";
import { node_crypto } from "../vault/node-crypto.js";
import { type PieceContext, verifyLarge } from "../vault/verify/large.js";
import { receiptKind, verifyReceipt } from "../vault/verify/receipt.js";
import { findingsOf, type Report } from "../vault/verify/report.js";
import { formatReport } from "../vault/verify/words.js";
import { verify } from "../vault/verify.js";
import { VerifyThreads } from "../vault/verify-threads.js";
import { bytesAt, logFile, OpenFile, pathsBelow, sizeOf } from "./evidence.js";
import { Progress } from "./progress.js";
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
  const file = is_folder ? join(path, "bundle.json") : path;
  const folder = join(is_folder ? path : dirname(path), "log");
  if ((await sizeOf(file)) > limits.verified_whole_bytes) {
    const report = await judgeLarge(file, folder, trust, trust_given);
    if (report !== null) {
      return report;
    }
  }
  const bytes = await bytesAt(file);
  const kind = is_folder || bytes === null ? null : receiptKind(bytes, path);
  if (kind !== null && bytes !== null) {
    return verifyReceipt(kind, bytes, trust, how);
  }
  const log = new Map<string, Uint8Array>();
  const paths = await pathsBelow(folder);
  for (const each of paths ?? []) {
    log.set(each, await logFile(folder, each));
  }
  return verify({ bundle: bytes, log: paths === null ? null : log }, trust, how);
}

/** On all cores, and never whole in memory. */
async function judgeLarge(
  file: string,
  folder: string,
  trust: Uint8Array | null,
  trust_given: boolean,
): Promise<Report | null> {
  const bundle = await OpenFile.open(file);
  const progress = new Progress("verifying", bundle.size);
  const paths = await pathsBelow(folder);
  const log = paths === null ? null : { paths, read: (each: string) => logFile(folder, each) };
  let threads: VerifyThreads | null = null;
  const checkerOf = (context: PieceContext) => {
    threads = new VerifyThreads(context, availableParallelism());
    return threads;
  };
  try {
    return await verifyLarge({ bundle, log }, trust, {
      trust_given,
      crypto: node_crypto,
      checkerOf,
      piece_bytes: limits.verified_piece_bytes,
      onProgress: (bytes) => progress.at(bytes),
    });
  } finally {
    progress.end();
    await (threads as VerifyThreads | null)?.close();
    await bundle.close();
  }
}

/** Ids out of the evidence must not command a terminal. */
function ascii(json: string): string {
  return json.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
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
