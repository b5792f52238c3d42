/** Runs a witness until a signal ends it. */
import { makeDirectories } from "../vault/files.js";
import { node_crypto } from "../vault/node-crypto.js";
import { openCosigner } from "../witness/cosigner.js";
import type { KnownLogs } from "../witness/judge.js";
import { Memory } from "../witness/memory.js";
import { openWitnessServer } from "../witness/server.js";
import { Witness } from "../witness/witness.js";
import { WitnessError } from "../witness/witness-error.js";
import { CommandFailure } from "./failure.js";

export interface WitnessSettings {
  readonly directory: string;
  /** Null takes the name of the witness that is there. */
  readonly name: string | null;
  readonly host: string;
  readonly port: number;
  readonly logs: KnownLogs;
}

/** Resolves when it has stopped. */
export async function runWitness(settings: WitnessSettings, print: (line: string) => void): Promise<void> {
  const { directory, name, logs } = settings;
  try {
    await makeDirectories(directory);
    const cosigner = await openCosigner(directory, name);
    const memory = await Memory.open(directory, cosigner.vkey);
    try {
      await answerRequests(
        new Witness({ cosigner, logs, memory, crypto: node_crypto, now: Date.now }),
        settings,
        print,
      );
    } finally {
      await memory.close();
    }
  } catch (error) {
    if (error instanceof WitnessError || (error as NodeJS.ErrnoException).code !== undefined) {
      throw new CommandFailure("unavailable", 1, (error as Error).message);
    }
    throw error;
  }
}

async function answerRequests(
  witness: Witness,
  { host, port }: WitnessSettings,
  print: (line: string) => void,
): Promise<void> {
  let end: (error?: Error) => void = () => undefined;
  const ended = new Promise<void>((resolve, reject) => {
    end = (error) => (error === undefined ? resolve() : reject(error));
  });
  const server = await openWitnessServer(witness, { host, port }, (error) => end(error));
  print(`Witness ${witness.vkey}`);
  print(`listens on http://${host.includes(":") ? `[${host}]` : host}:${server.port}`);
  process.once("SIGTERM", () => end());
  process.once("SIGINT", () => end());
  try {
    await ended;
  } finally {
    await server.close();
  }
}
