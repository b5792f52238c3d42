/** Names of files and folders that say nothing. */
import type { File } from "./file.js";

const empty = /^(utils?|helpers?|common|misc|managers?)$/i;

/** A path's own words: `session-manager.test.ts` has session, manager, test, ts. */
export function emptyNames(files: readonly File[]): string[] {
  return files
    .filter(({ path }) => !/^(gen|third_party|sdk\/typescript\/gen)\/|^test\/rest\/gen\//.test(path))
    .flatMap(({ path }) => {
      const word = path
        .replace(/([a-z])([A-Z])/g, "$1-$2")
        .split(/[/._-]/)
        .find((each) => empty.test(each));
      return word === undefined ? [] : [`${path}:1: "${word}" says nothing: name the idea`];
    });
}
