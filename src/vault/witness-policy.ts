/** Which witnesses a log asks, and how many of them must sign. */
import { readFileSync } from "node:fs";
import { limits } from "../limits.js";
import { isOrigin } from "./entry.js";
import { node_crypto } from "./node-crypto.js";
import { type NoteKey, parseNoteKey } from "./note.js";

export interface WitnessAddress {
  readonly key: NoteKey;
  /** As it stands in trust.json. */
  readonly vkey: string;
  /** What `/add-checkpoint` is put behind, without a slash at its end. */
  readonly url: string;
}

export interface WitnessPolicy {
  readonly witnesses: readonly WitnessAddress[];
  /** How many must sign before a checkpoint is shown. */
  readonly quorum: number;
}

/**
 * Reads a list of witnesses: a JSON array of `{"vkey", "url"}`.
 *
 * @param quorum null means more than half of them
 * @throws {Error} saying what is wrong
 */
export function readWitnessPolicy(text: string, quorum: number | null): WitnessPolicy {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`it is not JSON: ${(error as Error).message}`);
  }
  if (!Array.isArray(value) || value.length === 0 || value.length > limits.witnesses) {
    throw new Error(`a list of 1 to ${limits.witnesses} objects {"vkey", "url"} was expected`);
  }
  const witnesses = value.map(readWitness);
  // Two keys of one name count once at the verifier, and one key twice would sign twice.
  for (const kind of ["name", "id"] as const) {
    if (new Set(witnesses.map(({ key }) => key[kind])).size !== witnesses.length) {
      throw new Error("each witness must have a name and a key of its own");
    }
  }
  const needed = quorum ?? Math.floor(witnesses.length / 2) + 1;
  if (!Number.isSafeInteger(needed) || needed < 1 || needed > witnesses.length) {
    throw new Error(`a quorum of 1 to ${witnesses.length} was expected, not ${needed}`);
  }
  return { witnesses, quorum: needed };
}

/**
 * The witnesses of two settings, or null when there are none.
 *
 * @param file a JSON file as readWitnessPolicy takes it
 * @param quorum digits
 * @throws {Error} naming the setting
 */
export function readWitnessFile(file: string | undefined, quorum: string | undefined): WitnessPolicy | null {
  if (file === undefined || file === "") {
    if (quorum !== undefined) {
      throw new Error("witness_quorum: there are no witnesses: name them with KILLCORD_WITNESSES");
    }
    return null;
  }
  try {
    return readWitnessPolicy(readFileSync(file, "utf8"), quorum === undefined ? null : Number(quorum));
  } catch (error) {
    throw new Error(`witnesses: ${file}: ${(error as Error).message}`);
  }
}

function readWitness(value: unknown, i: number): WitnessAddress {
  const { vkey, url, ...rest } = (value ?? {}) as { readonly vkey?: unknown; readonly url?: unknown };
  if (typeof vkey !== "string" || typeof url !== "string" || Object.keys(rest).length > 0) {
    throw new Error(`witness ${i + 1} should be {"vkey", "url"} and nothing else`);
  }
  const key = parseNoteKey(vkey, node_crypto.sha256);
  if (key === null || key.type !== 0x04 || !isOrigin(key.name)) {
    throw new Error(`witness ${i + 1}: "${vkey}" is not the key of a witness (type 0x04)`);
  }
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || !/^https?:$/.test(parsed.protocol) || parsed.search !== "" || parsed.hash !== "") {
    throw new Error(`witness ${i + 1}: "${url}" is not an http or https address`);
  }
  return { key, vkey, url: url.replace(/\/+$/, "") };
}
