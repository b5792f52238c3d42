/** A witness's own key: made at its first start, and what it signs with (C2SP tlog-cosignature, Ed25519). */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { open, readFile, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { syncDirectory } from "../vault/files.js";
import { logVkey } from "../vault/vkey.js";
import { WitnessError } from "./witness-error.js";

export interface Cosigner {
  /** `name+id+key` of type 0x04: what logs and auditors pin. */
  readonly vkey: string;
  /** The signature line on a checkpoint's text, with its newline. */
  readonly cosign: (text: string, time_seconds: number) => string;
}

/** The signer behind a key and a name. */
export function cosignerOf(name: string, key: KeyObject): Cosigner {
  // An Ed25519 SPKI is a fixed header of 12 bytes and the 32 of the key.
  const raw = createPublicKey(key).export({ type: "spki", format: "der" }).subarray(12);
  const vkey = logVkey(name, 0x04, raw);
  const id = Buffer.from(vkey.slice(name.length + 1, name.length + 9), "hex");
  return {
    vkey,
    cosign: (text, time_seconds) => {
      const time = Buffer.alloc(8);
      time.writeBigUInt64BE(BigInt(time_seconds));
      const signature = sign(null, Buffer.from(`cosignature/v1\ntime ${time_seconds}\n${text}`), key);
      return `\u2014 ${name} ${Buffer.concat([id, time, signature]).toString("base64")}\n`;
    },
  };
}

const key_file = "witness.ed25519.pem";
const vkey_file = "witness.vkey";

/**
 * The signer of a witness's folder, whose key is made when it has none. A witness keeps its name: it is
 * part of the key's id, and what was cosigned under another one would be nobody's.
 *
 * @param name of a new witness, or of the one that is there; null takes the one that is there
 * @throws {WitnessError}
 */
export async function openCosigner(directory: string, name: string | null): Promise<Cosigner> {
  const path = join(directory, key_file);
  const pem = await readSecret(path);
  const kept = pem === null ? null : (await readFile(join(directory, vkey_file), "utf8")).trim();
  if (pem === null || kept === null) {
    if (name === null) {
      throw new WitnessError(`${directory} has no witness yet: name the new one with --name`);
    }
    return makeCosigner(directory, name);
  }
  const cosigner = cosignerOf(kept.split("+")[0] as string, createPrivateKey(pem));
  if (cosigner.vkey !== kept) {
    throw new WitnessError(`${path} is not the key of ${kept}: restore both from one backup`);
  }
  if (name !== null && !kept.startsWith(`${name}+`)) {
    throw new WitnessError(`${directory} is the witness ${kept.split("+")[0]}, not ${name}`);
  }
  return cosigner;
}

async function makeCosigner(directory: string, name: string): Promise<Cosigner> {
  const { privateKey: key } = generateKeyPairSync("ed25519");
  const cosigner = cosignerOf(name, key);
  await writeFirst(directory, vkey_file, `${cosigner.vkey}\n`, 0o644);
  // The key last: a start that was cut before has not made a witness, and the next one begins again.
  await writeFirst(directory, key_file, key.export({ type: "pkcs8", format: "pem" }) as string, 0o600);
  return cosigner;
}

async function writeFirst(directory: string, file: string, text: string, mode: number): Promise<void> {
  const path = join(directory, file);
  await using handle = await open(`${path}.new`, "w", mode);
  await handle.writeFile(text);
  await handle.sync();
  await rename(`${path}.new`, path);
  await syncDirectory(directory);
}

/** The text of a file that only its owner may read, or null when it is not there. */
async function readSecret(path: string): Promise<string | null> {
  try {
    const { mode } = await stat(path);
    if ((mode & 0o077) !== 0 && process.platform !== "win32") {
      throw new WitnessError(
        `${path} has mode ${(mode & 0o777).toString(8)}: others may read the key, treat it as stolen`,
      );
    }
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return null;
    }
    throw error;
  }
}
