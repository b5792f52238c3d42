/** The exported log of a campaign, and what was shown and answered held against it. */
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { command, freshFolder } from "../server/served.js";
import { Ledger } from "./ledger.js";
import { type Sealed, SealedLog } from "./sealed.js";
import { isOver, type Shown } from "./shown.js";

/** The log as an export shows it, once the verifier has accepted that. */
export async function exported(data: string): Promise<SealedLog> {
  const log = new SealedLog();
  for await (const content of verified(data)) {
    log.take(content as Parameters<SealedLog["take"]>[0]);
  }
  return log;
}

/** What is spent and held by the log, likewise. */
export async function ledgerOf(data: string): Promise<Ledger> {
  const ledger = new Ledger();
  for await (const content of verified(data)) {
    ledger.take(content);
  }
  return ledger;
}

/** The contents of its entries. */
async function* verified(data: string): AsyncGenerator<Parameters<Ledger["take"]>[0], void, undefined> {
  const folder = join(freshFolder(), "evidence");
  for (const words of [
    ["export", "--out", folder, "--data", data],
    ["verify", folder],
  ]) {
    const { status, stdout, stderr } = await command(words);
    if (status !== 0) {
      throw new Error(`killcord ${words[0]} ended with ${status}: ${stdout}${stderr}`);
    }
  }
  for await (const line of createInterface({ input: createReadStream(join(folder, "bundle.json")) })) {
    if (line.startsWith('{"content":')) {
      yield JSON.parse(line.replace(/,$/, "")).content;
    }
  }
}

/**
 * Whether all that was shown and answered is in the log, as it was shown.
 *
 * @throws {Error} naming the first thing that is not
 */
export function holdAgainst(
  log: SealedLog,
  told: readonly Shown[],
  started: ReadonlySet<string>,
  killed: ReadonlySet<string>,
  where: string,
): void {
  for (const shown of told) {
    const sealed = log.sessions.get(shown.session_id);
    if (sealed === undefined || (isOver(shown) && !agree(shown, sealed))) {
      throw new Error(`${where}: ${JSON.stringify(shown)} was shown, sealed is ${JSON.stringify(sealed)}`);
    }
    if ((shown.actions ?? 0) > sealed.actions) {
      throw new Error(
        `${where}: ${shown.actions} actions of ${shown.session_id} were shown, not ${sealed.actions}`,
      );
    }
  }
  for (const session_id of [...started, ...killed]) {
    const sealed = log.sessions.get(session_id);
    if (sealed === undefined || (killed.has(session_id) && sealed.stop === null)) {
      throw new Error(`${where}: ${session_id} was answered, sealed is ${JSON.stringify(sealed)}`);
    }
  }
}

function agree(shown: Shown, { stop }: Sealed): boolean {
  if (stop === null || shown.halt_id !== stop.halt_id || shown.stop_reason !== stop.stop_reason) {
    return false;
  }
  return shown.status === "stopped" ? stop.status !== "ended" : shown.status === stop.status;
}
