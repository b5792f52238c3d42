/** The private keys of a log and its pepper, as files (vault-format.md, 5). */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { type FileHandle, mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { syncDirectory } from "./files.js";
import { spkiOf } from "./signer.js";
import { StartError } from "./start-error.js";
import { logVkey } from "./vkey.js";

/** Four keys, four uses, and the secret under which API keys are hashed. */
export interface Keys {
  /** Certifies entry keys. ECDSA P-256. */
  readonly root: KeyObject;
  /** Signs entries. ECDSA P-256. */
  readonly entry: KeyObject;
  /** Sign checkpoints. */
  readonly checkpoint_ed25519: KeyObject;
  readonly checkpoint_p256: KeyObject;
  /** 32 random bytes. */
  readonly pepper: Uint8Array;
}

type KeyName = Exclude<keyof Keys, "pepper">;

const files: Readonly<Record<KeyName, { readonly file: string; readonly kind: "p256" | "ed25519" }>> = {
  root: { file: "root.p256.pem", kind: "p256" },
  entry: { file: "entry.p256.pem", kind: "p256" },
  checkpoint_ed25519: { file: "checkpoint.ed25519.pem", kind: "ed25519" },
  checkpoint_p256: { file: "checkpoint.p256.pem", kind: "p256" },
};
const key_names = Object.keys(files) as KeyName[];
const pepper_file = "pepper";
const pepper_bytes = 32;

/**
 * Makes a set of keys in a new directory. Everything is on disk when this resolves: an entry must
 * never outlive the only key that proves who signed it.
 *
 * @param random gives that many bytes from a cryptographic source, for the pepper
 */
export async function makeKeys(directory: string, random: (bytes: number) => Uint8Array): Promise<Keys> {
  await mkdir(directory, { mode: 0o700 });
  const pair = (kind: "p256" | "ed25519") =>
    kind === "p256"
      ? generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey
      : generateKeyPairSync("ed25519").privateKey;
  const keys: Keys = {
    root: pair("p256"),
    entry: pair("p256"),
    checkpoint_ed25519: pair("ed25519"),
    checkpoint_p256: pair("p256"),
    pepper: random(pepper_bytes),
  };
  for (const name of key_names) {
    const pem = keys[name].export({ type: "pkcs8", format: "pem" });
    await writeSecret(join(directory, files[name].file), Buffer.from(pem));
  }
  await writeSecret(join(directory, pepper_file), keys.pepper);
  await syncDirectory(directory);
  return keys;
}

/** Makes a file for its owner alone; on disk when this resolves, but for its name. */
export async function writeSecret(path: string, bytes: Uint8Array): Promise<void> {
  // Exclusive: a file that is there already belongs to somebody.
  await using file = await open(path, "wx", 0o600);
  await file.writeFile(bytes);
  await file.sync();
}

/**
 * Reads the keys of a directory, or null when it does not exist.
 *
 * @throws {StartError} `start.keys` when one is missing, malformed, or readable by others
 */
export async function readKeys(directory: string): Promise<Keys | null> {
  try {
    await using handle = await open(directory, "r");
    await refuseUnsafe(handle, directory, "directory");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return null;
    }
    throw asStartError(error, directory);
  }
  const keys: Keys = {
    root: await readKey(directory, "root"),
    entry: await readKey(directory, "entry"),
    checkpoint_ed25519: await readKey(directory, "checkpoint_ed25519"),
    checkpoint_p256: await readKey(directory, "checkpoint_p256"),
    pepper: await readSecret(join(directory, pepper_file)),
  };
  if (keys.pepper.length !== pepper_bytes) {
    throw new StartError(
      "start.keys",
      `${join(directory, pepper_file)} has ${keys.pepper.length} bytes, ${pepper_bytes} were expected. Restore it from a backup.`,
    );
  }
  refuseShared(keys, directory);
  return keys;
}

async function readKey(directory: string, name: KeyName): Promise<KeyObject> {
  const { file, kind } = files[name];
  const path = join(directory, file);
  const pem = await readSecret(path);
  try {
    const key = createPrivateKey({ key: pem, format: "pem" });
    const found = key.asymmetricKeyDetails?.namedCurve ?? key.asymmetricKeyType;
    if (found !== (kind === "p256" ? "prime256v1" : "ed25519")) {
      throw new Error(`it is a key of kind ${found}`);
    }
    return key;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new StartError(
      "start.keys",
      `${path} is not an unencrypted PKCS#8 PEM key of kind ${kind}: ${why}. Restore it from a backup.`,
      error,
    );
  }
}

/** @throws {StartError} `start.keys` when it cannot be read, or others may */
export async function readSecret(path: string): Promise<Buffer> {
  try {
    await using handle = await open(path, "r");
    await refuseUnsafe(handle, path, "file");
    return await handle.readFile();
  } catch (error) {
    throw asStartError(error, path);
  }
}

/** Asked of the open file, so that what is checked is what is read. */
async function refuseUnsafe(handle: FileHandle, path: string, kind: "file" | "directory"): Promise<void> {
  const stat = await handle.stat();
  if (kind === "directory" ? !stat.isDirectory() : !stat.isFile()) {
    throw new StartError("start.keys", `${path} was expected to be a ${kind}.`);
  }
  // Windows has no such bits.
  if ((stat.mode & 0o077) !== 0 && process.platform !== "win32") {
    const expected = kind === "directory" ? "700" : "600";
    const found = (stat.mode & 0o777).toString(8);
    throw new StartError(
      "start.keys",
      `${path} has mode ${found}: others than its owner may open it, mode ${expected} was expected. ` +
        `Run chmod ${expected} on it, and if others could have read the keys, treat them as stolen.`,
    );
  }
}

/** One key for two uses would let a signature of one kind pass for another. */
function refuseShared(keys: Keys, directory: string): void {
  const publics = key_names.map((name) => spkiOf(keys[name]).toString("base64"));
  if (new Set(publics).size !== publics.length) {
    throw new StartError(
      "start.keys",
      `Two files in ${directory} hold the same key; four keys were expected.`,
    );
  }
}

function asStartError(error: unknown, path: string): StartError {
  if (error instanceof StartError) {
    return error;
  }
  const why = error instanceof Error ? error.message : String(error);
  return new StartError("start.keys", `${path} can't be read: ${why}. Restore it from a backup.`, error);
}

/** The verifier keys of the checkpoint keys, as vault_opened and trust.json state them. */
export function checkpointVkeys(origin: string, keys: Keys): readonly string[] {
  // An Ed25519 SPKI is a fixed header of 12 bytes and the 32 of the key.
  const ed25519 = spkiOf(keys.checkpoint_ed25519).subarray(12);
  return [logVkey(origin, 0x01, ed25519), logVkey(origin, 0x02, spkiOf(keys.checkpoint_p256))];
}

/** The public half of a private key. */
export function publicKeyOf(key: KeyObject): KeyObject {
  return createPublicKey(key);
}
