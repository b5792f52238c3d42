/** What is read of the package that this program came in. */
import { readFileSync } from "node:fs";

/** A file or a folder by its path from the package's root. */
export function packagedUrl(path: string): URL {
  // From dist/src/cli/.
  return new URL(`../../../${path}`, import.meta.url);
}

/** A text file by its path from the package's root. */
export function packagedText(path: string): string {
  return readFileSync(packagedUrl(path), "utf8");
}

export function packagedVersion(): string {
  return (JSON.parse(packagedText("package.json")) as { version: string }).version;
}
