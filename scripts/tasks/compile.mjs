/** Compiles the sources into dist, so that what runs is always what stands in the sources. */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { root } from "./root.mjs";

const folders = ["src", "gen", "test", "bench", "examples"];
const dist = join(root, "dist");
const compiler = join(root, "node_modules/typescript/bin/tsc");

/**
 * Compiles what changed. Everything goes to standard error: standard output belongs to the program
 * that may run next.
 *
 * @returns {boolean} whether it compiled
 */
export function compile() {
  if (!existsSync(compiler)) {
    console.error("The dependencies are not installed. Run `npm ci` first.");
    return false;
  }
  forgetWhenIncomplete();
  const { status } = spawnSync(process.execPath, [compiler, "-p", "."], {
    cwd: root,
    stdio: ["ignore", 2, 2],
  });
  removeGhosts();
  const main = join(dist, "src/main.js");
  if (existsSync(main)) {
    chmodSync(main, 0o755);
  }
  return status === 0;
}

/** Removes all that was compiled before. */
export function clean() {
  rmSync(dist, { recursive: true, force: true });
}

/** The compiler trusts its notes and not the folder: without an output the notes are worthless. */
function forgetWhenIncomplete() {
  const sources = folders.flatMap((folder) => files(join(root, folder), /(?<!\.d)\.ts$/));
  if (sources.some((path) => !existsSync(join(dist, path.replace(/\.ts$/, ".js"))))) {
    rmSync(join(dist, "tsconfig.tsbuildinfo"), { force: true });
  }
}

/** The compiler never deletes: a test whose source was removed or renamed would go on running. */
function removeGhosts() {
  for (const folder of folders) {
    for (const output of files(join(dist, folder), /\.js(\.map)?$/)) {
      const path = relative("dist", output);
      if (!existsSync(join(root, path.replace(/\.js(\.map)?$/, ".ts")))) {
        rmSync(join(root, output));
      }
    }
  }
}

function files(folder, wanted) {
  if (!existsSync(folder)) {
    return [];
  }
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && wanted.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}
