/** The demo's proof: exports what was sealed, and has `killcord verify` judge it. */
import type { ChildProcess } from "node:child_process";
import type { Server } from "./client.js";
import { differs } from "./demo-actor.js";
import type { Stop } from "./demo-play.js";
import { runCommand } from "./demo-processes.js";
import { writeExport } from "./export-files.js";

/** The verifier's JSON (vault-format.md, 9), as far as the demo reads it. */
export interface Verdict {
  readonly exit: number;
  readonly entries: number;
  readonly sessions: Readonly<Record<string, { readonly status: string }>>;
}

/** Exports into `folder`, made ready before, and verifies there. Throws if anything is not as played. */
export async function prove(
  server: Server,
  folder: string,
  stops: readonly Stop[],
  started: ChildProcess[],
): Promise<Verdict> {
  await writeExport(folder, server.vault.exportBundle({}, { timeoutMs: 0 }));
  const { status, stdout, stderr } = await runCommand(["verify", folder, "--json"], started);
  if (status !== 0) throw differs(`killcord verify ended with ${status}: ${(stdout + stderr).trim()}`);
  const verdict = readVerdict(stdout);
  for (const stop of stops) {
    const sealed = verdict.sessions[stop.session_id]?.status ?? "nothing";
    if (sealed !== "killed") throw differs(`the evidence says ${sealed} of ${stop.session_id}, not killed`);
  }
  return verdict;
}

function readVerdict(text: string): Verdict {
  const verdict: unknown = JSON.parse(text);
  if (typeof verdict === "object" && verdict !== null && "entries" in verdict && "sessions" in verdict) {
    return verdict as Verdict;
  }
  throw differs(`killcord verify --json printed ${text.trim()}`);
}
