import { readFileSync } from "node:fs";

/** Reads test data from `test/vectors/`. Tests run with the repository root as the working directory. */
export function vector<T>(path: string): T {
  return JSON.parse(readFileSync(`test/vectors/${path}`, "utf8")) as T;
}
