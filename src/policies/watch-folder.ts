/** Hears of changes of a directory: from the system at once, and by looking now and then where it does not tell. */
import { type FSWatcher, watch } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { filesIn } from "./folder.js";

/** How long others may change after one has, and how often the directory is looked at anyway; milliseconds. */
export interface WatchBounds {
  readonly settle_ms: number;
  readonly check_ms: number;
}

/**
 * Tells of changes of a directory and what is below it, once they have settled: of all that come after
 * this has resolved. Who reads the directory after that misses none.
 *
 * @returns what ends it
 */
export async function watchFolder(
  directory: string,
  onChange: () => void,
  { settle_ms, check_ms }: WatchBounds,
): Promise<() => void> {
  let told: FSWatcher | null = null;
  let settling: NodeJS.Timeout | null = null;
  let seen: string | null = null;
  let ended = false;
  const changed = () => {
    settling ??= setTimeout(() => {
      settling = null;
      onChange();
    }, settle_ms);
  };
  const listen = () => {
    if (told !== null) {
      return;
    }
    try {
      told = watch(directory, { recursive: true, persistent: false }, changed);
      told.on("error", () => {
        told?.close();
        told = null;
      });
    } catch {
      // Not there, or the system has no more watches: looking now and then has to do.
      told = null;
    }
  };
  const look = async () => {
    const found = await fingerprint(directory);
    if (!ended && found !== seen) {
      if (seen !== null) {
        changed();
      }
      seen = found;
    }
    listen();
  };
  await look();
  // The system begins to listen some time after it was asked to.
  const soon = setTimeout(() => void look(), settle_ms * 5);
  soon.unref();
  const timer = setInterval(() => void look(), check_ms);
  timer.unref();
  return () => {
    ended = true;
    clearTimeout(soon);
    clearInterval(timer);
    clearTimeout(settling ?? undefined);
    told?.close();
  };
}

/** A text that is another when a file is: names, sizes, times. */
async function fingerprint(directory: string): Promise<string> {
  const files = await filesIn(directory, "policies", []);
  const parts = files.map(async (file) => {
    try {
      const { size, mtimeMs, ino } = await stat(join(directory, file));
      return `${file} ${size} ${mtimeMs} ${ino}`;
    } catch {
      return file;
    }
  });
  return (await Promise.all(parts)).join("\n");
}
