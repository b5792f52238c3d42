/** Writes the export of a long log for measurements: sessions of a thousand decisions, half with details. */
import { createPrivateKey, type KeyObject, sign } from "node:crypto";
import { createReadStream, createWriteStream, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { finished, pipeline } from "node:stream/promises";
import { canonical } from "../src/vault/canonical.js";
import { bytesOf, fromBase64, toBase64 } from "../src/vault/encoding.js";
import { envelopeOf, hashedLine, leafOf } from "../src/vault/entry.js";
import { sha256 } from "../src/vault/hash.js";
import { leafHash, rootAt } from "../src/vault/merkle.js";
import { GrowingTree } from "../src/vault/verify/growing-tree.js";
import { logVkey } from "../src/vault/vkey.js";
import {
  at,
  bundleText,
  type Draft,
  decided,
  ended,
  first_key,
  genesis,
  keys,
  origin,
  started,
  system,
  workspace_id,
} from "../test/vault/verify/made.js";

const decisions_per_session = 1000;
const hex = (text: string) => Buffer.from(sha256(bytesOf(text))).toString("hex");
const privateOf = (text: string): KeyObject =>
  createPrivateKey({ key: Buffer.from(text, "base64"), format: "der", type: "pkcs8" });

const vkeys = [
  logVkey(origin, 0x01, fromBase64(keys.checkpoint_ed25519.public_key_base64) as Uint8Array),
  logVkey(origin, 0x02, fromBase64(keys.checkpoint_p256.spki_base64) as Uint8Array),
];

function* drafts(count: number): Generator<Draft> {
  yield { ...genesis, checkpoint_keys: vkeys };
  for (let left = count - 1, session = 0; left > 0; session++) {
    const id = `sess_${session}`;
    const decisions = Math.min(decisions_per_session, left - 2);
    if (decisions < 0) {
      yield started(id, { session_index: 0 });
      return;
    }
    yield started(id, { session_index: 0 });
    for (let i = 1; i <= decisions; i++) {
      const details =
        i % 2 === 0
          ? {}
          : { details: { _salt: hex(`d${i}`).slice(0, 32), action_metadata: { amount: i, to: "4711" } } };
      yield decided(id, "allow", i, { session_index: i, ...details });
    }
    yield { ...ended(id, decisions), session_index: decisions + 1 };
    left -= decisions + 2;
  }
}

/**
 * Writes bundle.json and trust.json of a log of so many entries.
 *
 * @returns some of its signatures, to be verified for comparison
 */
export async function writeLog(
  folder: string,
  count: number,
): Promise<{
  readonly sample: readonly { readonly hash: string; readonly signature: string }[];
  /** The key behind them, base64. */
  readonly spki: string;
}> {
  mkdirSync(folder, { recursive: true });
  const key = privateOf(keys.entry_1.TEST_ONLY_private_key_pkcs8_base64);
  const tree = new GrowingTree(sha256);
  const lines = createWriteStream(join(folder, "entries"));
  const sample: { hash: string; signature: string }[] = [];
  let previous_hash: string | null = null;
  let last_at = "";
  let sequence = 0;
  for (const { details, signed_at: _at, ...draft } of drafts(count)) {
    const details_text = details === undefined ? null : canonical(details);
    const digest = details_text === null ? {} : { details_digest: hex(details_text) };
    const signed_at = at(sequence);
    last_at = signed_at;
    const content = canonical({
      at: signed_at,
      actor: system,
      _salt: hex(`${sequence}`).slice(0, 32),
      ...draft,
      ...digest,
    });
    const link = { sequence_number: sequence, previous_hash, content_hash: hex(content), signed_at };
    const entry_hash = hex(hashedLine(link));
    const signature = sign("sha256", bytesOf(entry_hash), key).toString("base64");
    const leaf = leafOf(envelopeOf(origin, link, entry_hash, first_key.key_id, signature));
    tree.add(leafHash(bytesOf(leaf), sha256));
    const shown = details_text === null ? "" : `"details":${details_text},`;
    const split = '{"content_hash":"'.length + 64 + '",'.length;
    const more = sequence + 1 < count ? "," : "";
    if (!lines.write(`{"content":${content},${leaf.slice(1, split)}${shown}${leaf.slice(split)}${more}\n`)) {
      await new Promise<void>((resolve) => lines.once("drain", () => resolve()));
    }
    if (sample.length < 20_000) {
      sample.push({ hash: entry_hash, signature });
    }
    previous_hash = entry_hash;
    sequence++;
  }
  lines.end("]}\n");
  await finished(lines);
  const root = toBase64(rootAt(tree, tree.size, sha256));
  const checkpoint = noteOf(`${origin}\n${count}\n${root}\n`);
  const [header] = bundleText([], { entry_count: count, generated_at: last_at, checkpoint }).split("\n");
  writeFileSync(join(folder, "bundle.json"), `${header}\n`);
  await pipeline(
    createReadStream(join(folder, "entries")),
    createWriteStream(join(folder, "bundle.json"), { flags: "a" }),
  );
  rmSync(join(folder, "entries"));
  writeFileSync(join(folder, "trust.json"), JSON.stringify(trust));
  return { sample, spki: keys.entry_1.spki_base64 };
}

const trust = {
  format: "killcord-trust/v1",
  origin,
  workspace_id,
  entry_roots: [keys.entry_root.spki_base64],
  checkpoint_keys: vkeys,
  witnesses: [],
  witness_quorum: 0,
};

function noteOf(text: string): string {
  const line = (vkey: string, signature: Uint8Array) => {
    const id = Buffer.from(vkey.slice(origin.length + 1, origin.length + 9), "hex");
    return `\u2014 ${origin} ${Buffer.concat([id, signature]).toString("base64")}\n`;
  };
  const ed25519 = privateOf(keys.checkpoint_ed25519.TEST_ONLY_private_key_pkcs8_base64);
  const p256 = privateOf(keys.checkpoint_p256.TEST_ONLY_private_key_pkcs8_base64);
  const lines = [
    line(vkeys[0] as string, sign(null, bytesOf(text), ed25519)),
    line(vkeys[1] as string, sign("sha256", bytesOf(text), p256)),
  ];
  return `${text}\n${lines.join("")}`;
}
