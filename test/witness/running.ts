/** Witnesses on free ports of this machine. */
import { mkdirSync } from "node:fs";
import { node_crypto } from "../../src/vault/node-crypto.js";
import { type NoteKey, parseNoteKey } from "../../src/vault/note.js";
import { openCosigner } from "../../src/witness/cosigner.js";
import type { KnownLogs } from "../../src/witness/judge.js";
import { Memory } from "../../src/witness/memory.js";
import { openWitnessServer } from "../../src/witness/server.js";
import { Witness } from "../../src/witness/witness.js";

export interface RunningWitness {
  readonly vkey: string;
  readonly url: string;
  readonly port: number;
  readonly close: () => Promise<void>;
}

/** Starts one over a folder of its own; port 0 takes a free one. */
export async function startWitness(
  directory: string,
  name: string,
  logs: KnownLogs,
  port = 0,
): Promise<RunningWitness> {
  mkdirSync(directory, { recursive: true });
  const cosigner = await openCosigner(directory, name);
  const memory = await Memory.open(directory, cosigner.vkey);
  const witness = new Witness({ cosigner, logs, memory, crypto: node_crypto, now: Date.now });
  const server = await openWitnessServer(witness, { host: "127.0.0.1", port }, (error) => {
    throw error;
  });
  const close = async () => {
    await server.close();
    await memory.close();
  };
  return { vkey: cosigner.vkey, url: `http://127.0.0.1:${server.port}`, port: server.port, close };
}

/** What a witness knows of the log that a trust.json is about. */
export function logsOf(trust: string): KnownLogs {
  const { origin, checkpoint_keys } = JSON.parse(trust) as {
    readonly origin: string;
    readonly checkpoint_keys: readonly string[];
  };
  return new Map([
    [origin, checkpoint_keys.map((vkey) => parseNoteKey(vkey, node_crypto.sha256) as NoteKey)],
  ]);
}
