/** The files of evidence, wherever they lie on this machine. */
import type { Dirent } from "node:fs";
import { type FileHandle, open, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { ByteSource } from "../vault/verify/cut.js";

/** The bytes of a regular file, or null when there is none that can be read. */
export async function bytesAt(path: string): Promise<Uint8Array | null> {
  try {
    // A pipe or a device would be waited for; neither is evidence.
    return (await stat(path)).isFile() ? await readFile(path) : null;
  } catch {
    return null;
  }
}

/** The bytes of a regular file, or 0 when there is none. */
export async function sizeOf(path: string): Promise<number> {
  try {
    const found = await stat(path);
    return found.isFile() ? found.size : 0;
  } catch {
    return 0;
  }
}

/** Every file below a folder by its path in it, with `/` between folders; null without that folder. */
export async function pathsBelow(folder: string): Promise<ReadonlySet<string> | null> {
  const paths = new Set<string>();
  const waiting = [""];
  for (let below = waiting.pop(); below !== undefined; below = waiting.pop()) {
    let entries: Dirent[];
    try {
      entries = await readdir(join(folder, below), { withFileTypes: true });
    } catch {
      if (below === "") {
        return null;
      }
      entries = [];
    }
    for (const entry of entries) {
      const name = `${below}${entry.name}`;
      if (entry.isDirectory()) {
        waiting.push(`${name}/`);
      } else {
        paths.add(name);
      }
    }
  }
  return paths;
}

/** A file of `log/`. What cannot be read stands there empty, so that it is seen to be wrong. */
export async function logFile(folder: string, path: string): Promise<Uint8Array> {
  return (await bytesAt(join(folder, path))) ?? new Uint8Array(0);
}

/** An open file, read where it is asked for. */
export class OpenFile implements ByteSource {
  readonly size: number;
  readonly #handle: FileHandle;

  private constructor(handle: FileHandle, size: number) {
    this.#handle = handle;
    this.size = size;
  }

  static async open(path: string): Promise<OpenFile> {
    const handle = await open(path, "r");
    return new OpenFile(handle, (await handle.stat()).size);
  }

  readonly read = async (offset: number, length: number): Promise<Uint8Array> => {
    // Memory of its own: a thread takes it over.
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const { bytesRead } = await this.#handle.read(bytes, done, length - done, offset + done);
      if (bytesRead === 0) {
        throw new Error("the bundle became shorter while it was read");
      }
      done += bytesRead;
    }
    return bytes;
  };

  close(): Promise<void> {
    return this.#handle.close();
  }
}
