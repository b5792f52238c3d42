/** What the auditor trusts: trust.json (vault-format.md, 8). */
import { fromBase64, toHex } from "../encoding.js";
import { isOrigin } from "../entry.js";
import { hash_bytes } from "../merkle.js";
import { isP256, type NoteKey, parseNoteKey } from "../note.js";
import type { VerifyCrypto } from "../verify-crypto.js";
import {
  base64,
  count,
  exact,
  id,
  type JsonObject,
  key_id,
  list,
  oneOf,
  origin,
  text,
  time,
} from "./shape.js";

export interface RootKey {
  readonly key_id: string;
  readonly spki: Uint8Array;
}

export interface KnownCheckpoint {
  readonly size: number;
  readonly root: Uint8Array;
}

/** An entry key that others may have used since a moment. */
export interface CompromisedKey {
  readonly key_id: string;
  readonly compromised_at: string;
}

export interface Trust {
  readonly origin: string;
  readonly workspace_id: string;
  readonly entry_roots: readonly RootKey[];
  readonly checkpoint_keys: readonly NoteKey[];
  readonly witnesses: readonly NoteKey[];
  readonly witness_quorum: number;
  readonly known_checkpoints: readonly KnownCheckpoint[];
  readonly compromised_keys: readonly CompromisedKey[];
  /** One for each key, for people to compare with what they got by another way. */
  readonly fingerprints: readonly string[];
}

// No member beyond these: a misspelt restriction must not be dropped in silence.
const shape = exact(
  {
    format: oneOf("killcord-trust/v1"),
    origin,
    workspace_id: id,
    entry_roots: list(base64),
    checkpoint_keys: list(text),
    witnesses: list(text),
    witness_quorum: count,
  },
  {
    known_checkpoints: list(exact({ size: count, root: base64 })),
    compromised_keys: list(exact({ key_id, compromised_at: time })),
    tsa_roots: list(text),
  },
);

/** The id of an entry key or of its root: `vsk_` and the first 16 hex digits of the hash of its SPKI. */
export function keyId(spki: Uint8Array, sha256: VerifyCrypto["sha256"]): string {
  return `vsk_${toHex(sha256(spki)).slice(0, 16)}`;
}

/** Reads trust.json, or says why it cannot be used. */
export function readTrust(bytes: Uint8Array, crypto: VerifyCrypto): Trust | string {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return "trust.json is not JSON";
  }
  const misfit = shape(value);
  if (misfit !== null) {
    return `trust.json should be ${misfit}`;
  }
  return readKeys(value as JsonObject & TrustFile, crypto);
}

interface TrustFile {
  readonly origin: string;
  readonly workspace_id: string;
  readonly entry_roots: readonly string[];
  readonly checkpoint_keys: readonly string[];
  readonly witnesses: readonly string[];
  readonly witness_quorum: number;
  readonly known_checkpoints?: readonly { readonly size: number; readonly root: string }[];
  readonly compromised_keys?: readonly CompromisedKey[];
}

function readKeys(file: TrustFile, crypto: VerifyCrypto): Trust | string {
  const spkis = file.entry_roots.map((root) => fromBase64(root) as Uint8Array);
  if (spkis.length === 0 || !spkis.every(isP256)) {
    return "trust.json: entry_roots should be at least one P-256 key";
  }
  const checkpoint_keys = noteKeys(file.checkpoint_keys, crypto);
  const logs = checkpoint_keys?.filter((key) => key.type !== 0x04 && key.name === file.origin) ?? [];
  // All of them, also those beyond the first two: a key of another name is a mistake or an attack.
  if (checkpoint_keys === null || logs.length !== checkpoint_keys.length) {
    return "trust.json: checkpoint_keys should be keys of logs, named like the origin";
  }
  if (!logs.some((key) => key.type === 0x01) || !logs.some((key) => key.type === 0x02)) {
    return "trust.json: checkpoint_keys should hold at least one key of type 0x01 and one of type 0x02";
  }
  const witnesses = noteKeys(file.witnesses, crypto);
  if (witnesses === null || witnesses.some((key) => key.type !== 0x04)) {
    return "trust.json: witnesses should be different keys of type 0x04";
  }
  // Two keys of one name are one witness: it must not count twice.
  if (file.witness_quorum > new Set(witnesses.map((key) => key.name)).size) {
    return "trust.json: witness_quorum is above the number of witnesses";
  }
  const known = (file.known_checkpoints ?? []).map(({ size, root }) => ({ size, root: fromBase64(root) }));
  if (known.some(({ root }) => root?.length !== hash_bytes)) {
    return "trust.json: known_checkpoints should have roots of 32 bytes";
  }
  return {
    origin: file.origin,
    workspace_id: file.workspace_id,
    entry_roots: spkis.map((spki) => ({ key_id: keyId(spki, crypto.sha256), spki })),
    checkpoint_keys,
    witnesses,
    witness_quorum: file.witness_quorum,
    known_checkpoints: known as KnownCheckpoint[],
    compromised_keys: file.compromised_keys ?? [],
    fingerprints: [
      ...spkis.map((spki) => `entry root ${fingerprint(spki, crypto)}`),
      ...checkpoint_keys.map(({ key }) => `checkpoint key ${fingerprint(key, crypto)}`),
      ...witnesses.map(({ name, key }) => `witness ${name} ${fingerprint(key, crypto)}`),
    ],
  };
}

// The whole hash: half of one could be met by a key that somebody made for it.
function fingerprint(key: Uint8Array, { sha256 }: VerifyCrypto): string {
  return `sha256:${toHex(sha256(key))}`;
}

/** The keys that the texts spell; null when one spells none, or when two are the same key. */
function noteKeys(vkeys: readonly string[], crypto: VerifyCrypto): NoteKey[] | null {
  const keys = vkeys.map((vkey) => parseNoteKey(vkey, crypto.sha256));
  // Names that a terminal cannot take for commands: they are printed.
  const raw = new Set(keys.map((key) => (key === null || !isOrigin(key.name) ? "" : toHex(key.key))));
  return raw.has("") || raw.size !== keys.length ? null : (keys as NoteKey[]);
}
