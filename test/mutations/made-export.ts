/** An export as the program writes one, sealed with the public keys of the vectors: so that it can be written anew. */
import { createPrivateKey } from "node:crypto";
import { bytesOf, fromBase64, toBase64 } from "../../src/vault/encoding.js";
import { type Envelope, leafOf } from "../../src/vault/entry.js";
import { growTree, leafHash, rootAt } from "../../src/vault/merkle.js";
import { node_crypto } from "../../src/vault/node-crypto.js";
import { entryBundle, tile_width, tileBytes, tilePath, tilesOf } from "../../src/vault/tiles.js";
import { logVkey } from "../../src/vault/vkey.js";
import { cosignerOf } from "../../src/witness/cosigner.js";
import {
  bundleText,
  type Draft,
  decided,
  ended,
  genesis,
  halted,
  keys,
  killed,
  type MadeEntry,
  origin,
  seal,
  started,
  workspace_id,
} from "../vault/verify/made.js";
import { log_vkeys, noteOver } from "../witness/log.js";

const { sha256 } = node_crypto;

const witnesses = keys.witnesses.map(({ name, TEST_ONLY_private_key_pkcs8_base64: text }) =>
  cosignerOf(name, createPrivateKey({ key: Buffer.from(text, "base64"), format: "der", type: "pkcs8" })),
);

/** What an auditor got by another way: two of three witnesses must have signed. */
export const trust = {
  format: "killcord-trust/v1",
  origin,
  workspace_id,
  entry_roots: [keys.entry_root.spki_base64],
  checkpoint_keys: [
    logVkey(origin, 0x01, fromBase64(keys.checkpoint_ed25519.public_key_base64) as Uint8Array),
    logVkey(origin, 0x02, fromBase64(keys.checkpoint_p256.spki_base64) as Uint8Array),
  ],
  witnesses: witnesses.map(({ vkey }) => vkey),
  witness_quorum: 2,
};

export function trustBytes(more: object = {}): Uint8Array {
  return bytesOf(JSON.stringify({ ...trust, ...more }, null, 2));
}

/** So many entries: sessions that decide thrice, once with details, and are killed or end by turns. */
export function draftsOf(count: number): readonly Draft[] {
  const drafts: Draft[] = [{ ...genesis, checkpoint_keys: log_vkeys }];
  const details = { _salt: "5".repeat(32), action_metadata: { amount: 5, to: "4711" } };
  for (let session = 0; drafts.length < count; session++) {
    const id = `sess_${session}`;
    drafts.push(started(id));
    for (let i = 1; i <= 3; i++) {
      drafts.push(decided(id, "allow", i, i === 2 ? { details } : {}));
    }
    if (session % 2 === 0) {
      drafts.push(halted("session", id, 1));
      const cause = { event: "halt_requested", sequence: drafts.length - 1 };
      drafts.push(killed(id, "manual", cause, 3));
    } else {
      drafts.push(ended(id, 3));
    }
  }
  // A session without its end is live, which is no fault; an order without its kill would be one.
  const cut = drafts.slice(0, count);
  return cut.at(-1)?.event === "halt_requested" ? [...cut.slice(0, -1), decided(null, "allow", 0)] : cut;
}

export interface Made {
  readonly entries: readonly MadeEntry[];
  readonly bundle: Uint8Array;
  readonly log: ReadonlyMap<string, Uint8Array>;
  readonly size: number;
  /** Base64. */
  readonly root: string;
  readonly note: string;
}

/** Seals and signs; with `witnessed` two of the three witnesses have signed too. */
export function exportOf(drafts: readonly Draft[], witnessed = true, header: object = {}): Made {
  const entries = seal(drafts);
  const leaves = entries.map(({ content: _content, details: _details, ...envelope }) =>
    bytesOf(leafOf(envelope as unknown as Envelope)),
  );
  const tree = growTree(Buffer.concat(leaves.map((leaf) => leafHash(leaf, sha256))), sha256);
  const root = toBase64(rootAt(tree, tree.size, sha256));
  const text = `${origin}\n${tree.size}\n${root}\n`;
  const lines = witnessed ? witnesses.slice(0, 2).map(({ cosign }) => cosign(text, 1_800_000_000)) : [];
  const note = noteOver(text) + lines.join("");
  const log = new Map([["checkpoint", bytesOf(note)]]);
  for (const tile of tilesOf(tree.size)) {
    const { level, index, width } = tile;
    const first = index * tile_width;
    const bytes =
      level === "entries"
        ? entryBundle(leaves.slice(first, first + width))
        : Uint8Array.from(tileBytes(tree, level, index, width));
    log.set(tilePath(tile), bytes);
  }
  const bundle = bytesOf(bundleText(entries, { checkpoint: note, ...header }));
  return { entries, bundle, log, size: tree.size, root, note };
}
