/**
 * The key under which texts of actions are kept while they wait for a person. It signs nothing and is
 * no part of the evidence: a lost one costs the texts that wait, and another is made.
 */
import { open } from "node:fs/promises";
import { join } from "node:path";
import { syncDirectory } from "./files.js";
import { readSecret, writeSecret } from "./keys.js";
import { StartError } from "./start-error.js";

const text_key_file = "text.key";
const text_key_bytes = 32;

/**
 * Reads the key of a directory, or makes it.
 *
 * @param keys the folder of the log's keys, which is there
 * @param random gives that many bytes from a cryptographic source
 * @throws {StartError} `start.keys` when it is malformed, or readable by others
 */
export async function openTextKey(keys: string, random: (bytes: number) => Uint8Array): Promise<Uint8Array> {
  const path = join(keys, text_key_file);
  if (!(await isThere(path))) {
    await writeSecret(path, random(text_key_bytes));
    await syncDirectory(keys);
  }
  const key = await readSecret(path);
  if (key.length !== text_key_bytes) {
    throw new StartError(
      "start.keys",
      `${path} has ${key.length} bytes, ${text_key_bytes} were expected. Restore it from a backup, or remove it: texts of actions that wait for a person are lost then.`,
    );
  }
  return key;
}

async function isThere(path: string): Promise<boolean> {
  try {
    await using _ = await open(path, "r");
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ENOENT";
  }
}
