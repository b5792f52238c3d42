/** A log of leaves that tests grow, fork and cut, signed by the public keys of the vectors. */
import { createPrivateKey, type KeyObject, sign } from "node:crypto";
import type { AddCheckpoint } from "../../src/vault/add-checkpoint.js";
import { bytesOf, fromBase64, toBase64 } from "../../src/vault/encoding.js";
import { growTree, type HashTree, hash_bytes, leafHash, rootAt } from "../../src/vault/merkle.js";
import { node_crypto } from "../../src/vault/node-crypto.js";
import { type NoteKey, parseNoteKey } from "../../src/vault/note.js";
import { logVkey } from "../../src/vault/vkey.js";
import { keys, origin } from "../vault/verify/made.js";

const { sha256 } = node_crypto;

const privateOf = (text: string): KeyObject =>
  createPrivateKey({ key: Buffer.from(text, "base64"), format: "der", type: "pkcs8" });
const ed25519 = privateOf(keys.checkpoint_ed25519.TEST_ONLY_private_key_pkcs8_base64);
const p256 = privateOf(keys.checkpoint_p256.TEST_ONLY_private_key_pkcs8_base64);

export const log_vkeys = [
  logVkey(origin, 0x01, fromBase64(keys.checkpoint_ed25519.public_key_base64) as Uint8Array),
  logVkey(origin, 0x02, fromBase64(keys.checkpoint_p256.spki_base64) as Uint8Array),
];
export const log_keys = log_vkeys.map((vkey) => parseNoteKey(vkey, sha256) as NoteKey);

/** Leaves `name 0`, `name 1`, … as a tree; two names are two histories. */
export function treeOf(size: number, name = "entry"): HashTree {
  const leaves = Array.from({ length: size }, (_, i) => leafHash(bytesOf(`${name} ${i}`), sha256));
  return growTree(Buffer.concat(leaves), sha256);
}

/** The note of a tree at a size, signed by both keys of the log. */
export function noteOf(tree: HashTree, size = tree.size, name = origin): string {
  return noteOver(`${name}\n${size}\n${toBase64(rootAt(tree, size, sha256))}\n`);
}

/** A checkpoint's text with the signatures of both keys of the log. */
export function noteOver(text: string): string {
  const line = (vkey: string, signature: Uint8Array) => {
    const id = Buffer.from(vkey.slice(origin.length + 1, origin.length + 9), "hex");
    return `\u2014 ${origin} ${Buffer.concat([id, signature]).toString("base64")}\n`;
  };
  const lines = [
    line(log_vkeys[0] as string, sign(null, bytesOf(text), ed25519)),
    line(log_vkeys[1] as string, sign("sha256", bytesOf(text), p256)),
  ];
  return `${text}\n${lines.join("")}`;
}

/** The request that a log makes when it grew from one size to the tree's. */
export function growth(tree: HashTree, old_size: number): AddCheckpoint {
  return { old_size, proof: proofOf(tree, old_size), note: noteOf(tree) };
}

/** The consistency proof of RFC 6962, 2.1.2, by its own words. */
export function proofOf(tree: HashTree, old_size: number): Uint8Array[] {
  if (old_size === 0 || old_size === tree.size) {
    return [];
  }
  const hash = (start: number, end: number): Uint8Array =>
    rootAt(
      growTree(tree.levels[0]?.slice(start * hash_bytes, end * hash_bytes) as Uint8Array, sha256),
      end - start,
      sha256,
    );
  const subproof = (m: number, start: number, end: number, whole: boolean): Uint8Array[] => {
    if (m === end - start) {
      return whole ? [] : [hash(start, end)];
    }
    const k = 2 ** Math.ceil(Math.log2(end - start) - 1);
    return m <= k
      ? [...subproof(m, start, start + k, whole), hash(start + k, end)]
      : [...subproof(m - k, start + k, end, false), hash(start, start + k)];
  };
  return subproof(old_size, 0, tree.size, true);
}
