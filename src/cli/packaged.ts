/** What is read of the package that this program came in. */
import { readFileSync } from "node:fs";

/** A text file by its path from the package's root. */
export function packagedText(path: string): string {
  // From dist/src/cli/.
  return readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
}

export function packagedVersion(): string {
  return (JSON.parse(packagedText("package.json")) as { version: string }).version;
}
