/** The files of the repository, as the rules see them. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

/** A text file: its path from the root, with `/`, and what is in it. */
export interface File {
  readonly path: string;
  readonly text: string;
}

/** Every file that git tracks or would add; what is not text is left out. */
export function repositoryFiles(): readonly File[] {
  const listing = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  return [...new Set(listing.split("\0"))]
    .filter((path) => path !== "" && existsSync(path))
    .map((path) => ({ path, text: readFileSync(path, "utf8") }))
    .filter(({ text }) => !text.includes("\0"));
}

/** The files below a folder, or one file. */
export function below(files: readonly File[], ...places: readonly string[]): readonly File[] {
  return files.filter(({ path }) =>
    places.some((place) => (place.endsWith("/") ? path.startsWith(place) : path === place)),
  );
}

/** Code that people write: generated and vendored code aside. */
export function code(files: readonly File[], ...places: readonly string[]): readonly File[] {
  return below(files, ...places).filter(
    ({ path }) => /\.(ts|mjs|cjs)$/.test(path) && !/^(test\/rest|sdk\/typescript)\/gen\//.test(path),
  );
}

/** The text of one file; undefined when there is none. */
export function textOf(files: readonly File[], path: string): string | undefined {
  return files.find((file) => file.path === path)?.text;
}

/** Findings of a pattern in one file, each with its line; where `say` has nothing to say there is none. */
export function matches(
  { path, text }: File,
  pattern: RegExp,
  say: (match: RegExpMatchArray) => string | undefined,
): string[] {
  return [...text.matchAll(pattern)].flatMap((match) => {
    const why = say(match);
    return why === undefined ? [] : [`${path}:${text.slice(0, match.index).split("\n").length}: ${why}`];
  });
}
