import type { FileHandle } from "node:fs/promises";
import { type FileSystem, node_files } from "../../src/vault/files.js";

/** What a planned fault does: fails before the deed, or after it. */
export type Flavour = "lost" | "done";

/** A file system that counts the calls that change something, and fails one of them. */
export class FaultyFiles {
  /** Names of the calls so far, with the file they were about. */
  readonly calls: string[] = [];
  #fail_at = Number.POSITIVE_INFINITY;
  #flavour: Flavour = "lost";
  readonly files: FileSystem;

  constructor() {
    const run = async <T>(name: string, path: unknown, act: () => Promise<T>): Promise<T> => {
      const place = this.calls.push(`${name} ${String(path)}`);
      if (place !== this.#fail_at) {
        return act();
      }
      if (this.#flavour === "done") {
        const made = await act();
        if (name === "open") {
          await (made as FileHandle).close();
        }
      }
      throw Object.assign(new Error(`ENOSPC: planned fault of ${name}`), { code: "ENOSPC", syscall: name });
    };
    const wrapped = (handle: FileHandle, path: unknown): FileHandle =>
      new Proxy(handle, {
        get(target, member) {
          const value = Reflect.get(target, member, target);
          if (member === "sync" || member === "writeFile" || member === "appendFile") {
            return (...given: unknown[]) => run(member, path, () => value.apply(target, given));
          }
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
    this.files = {
      ...node_files,
      mkdir: ((path: string, options: object) =>
        run("mkdir", path, () => node_files.mkdir(path, options))) as never,
      rename: (from, to) => run("rename", to, () => node_files.rename(from, to)),
      rm: (path, options) => run("rm", path, () => node_files.rm(path, options)),
      open: async (path, flags, mode) => {
        const handle =
          flags === "r"
            ? node_files.open(path, flags, mode)
            : run("open", path, () => node_files.open(path, flags, mode));
        return wrapped(await handle, path);
      },
    };
  }

  /** Fails the n-th changing call from now on, 1 being the next. */
  failAt(n: number, flavour: Flavour): void {
    this.#fail_at = this.calls.length + n;
    this.#flavour = flavour;
  }
}
