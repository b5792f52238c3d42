/** Entry 0: the log names itself and its keys (vault-format.md, 3 and 5). */
import { createHmac } from "node:crypto";
import type { Json } from "./canonical.js";
import { type CertifiedKey, certificateText, type EntryKey } from "./certificate.js";
import { signature_algorithm } from "./entry.js";
import { checkpointVkeys, type Keys } from "./keys.js";
import { signText } from "./signature.js";
import { keyId, spkiOf } from "./signer.js";
import { StartError } from "./start-error.js";

const format = "killcord-vault/1";

/** What vault_opened says beside the common members. */
export interface Genesis {
  readonly origin: string;
  readonly workspace_id: string;
  readonly entry_key: EntryKey;
  readonly entry_root_key_id: string;
  readonly checkpoint_keys: readonly string[];
  /** HMAC-SHA-256 of the origin under the pepper, hex; absent in logs that were begun without it. */
  readonly pepper_check?: string;
}

/** How the log must be named; what is absent may be anything. */
export interface ExpectedName {
  readonly origin?: string | undefined;
  readonly workspace_id?: string | undefined;
}

/** The content of vault_opened. The entry key is certified here, once. */
export function genesisContent(
  name: { readonly origin: string; readonly workspace_id: string; readonly heartbeat_seconds: number },
  keys: Keys,
  at: string,
  salt: string,
): { readonly [member: string]: Json } {
  const entry_spki = spkiOf(keys.entry);
  const root_key_id = keyId(spkiOf(keys.root));
  const certified: CertifiedKey = {
    key_id: keyId(entry_spki),
    first_sequence: 0,
    created_at: at,
    backend: "local",
    public_key: entry_spki.toString("base64"),
  };
  const certificate = signText(keys.root, certificateText(name.origin, certified));
  return {
    event: "vault_opened",
    at,
    actor: { key_id: null, role: "system" },
    _salt: salt,
    format,
    origin: name.origin,
    workspace_id: name.workspace_id,
    entry_key: { ...certified, algorithm: signature_algorithm, root_key_id, certificate },
    entry_root_key_id: root_key_id,
    checkpoint_keys: checkpointVkeys(name.origin, keys),
    heartbeat_seconds: name.heartbeat_seconds,
    pepper_check: pepperCheck(name.origin, keys.pepper),
  };
}

/** Tells another pepper from the log's own, and nothing of the pepper itself. */
function pepperCheck(origin: string, pepper: Uint8Array): string {
  return createHmac("sha256", pepper).update(origin).digest("hex");
}

/**
 * Reads entry 0 and holds the key files to it: the log says which keys it has.
 *
 * @throws {StartError} `start.damaged`, `start.foreign_log` or `start.keys`
 */
export function readGenesis(
  content: Readonly<Record<string, unknown>>,
  keys: Keys,
  expected_name: ExpectedName,
): Genesis {
  if (content.event !== "vault_opened" || content.format !== format) {
    throw new StartError(
      "start.damaged",
      `Entry 0 was expected to be vault_opened of format ${format}; it is ${content.event} of format ${content.format}. Use the version of Killcord that wrote it, or restore a backup.`,
    );
  }
  const genesis = content as unknown as Genesis;
  const { origin = genesis.origin, workspace_id = genesis.workspace_id } = expected_name;
  if (genesis.origin !== origin || genesis.workspace_id !== workspace_id) {
    throw new StartError(
      "start.foreign_log",
      `The log ${origin} of workspace ${workspace_id} was expected; the store holds ${genesis.origin} of ${genesis.workspace_id}. Point to the data directory of the log that you mean.`,
    );
  }
  const root = keyId(spkiOf(keys.root));
  if (genesis.entry_root_key_id !== root) {
    throw new StartError(
      "start.foreign_log",
      `The stored log ${genesis.origin} was begun under root key ${genesis.entry_root_key_id}, the key file holds ${root}. Put log and keys of the same data directory together.`,
    );
  }
  const expected = [keyId(spkiOf(keys.entry)), ...checkpointVkeys(genesis.origin, keys)].join(", ");
  const found = [genesis.entry_key?.key_id, ...(genesis.checkpoint_keys ?? [])].join(", ");
  if (found !== expected) {
    throw new StartError(
      "start.keys",
      `The log names the entry key and checkpoint keys ${found}; the key files hold ${expected}. Restore the key files from a backup.`,
    );
  }
  const { pepper_check = pepperCheck(genesis.origin, keys.pepper) } = genesis;
  if (pepper_check !== pepperCheck(genesis.origin, keys.pepper)) {
    throw new StartError(
      "start.keys",
      `The file keys/pepper is not the one that the log ${genesis.origin} was begun with: under another no API key would be known any more. Restore it from a backup.`,
    );
  }
  return genesis;
}
