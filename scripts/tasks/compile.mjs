/** Compiles the sources into dist, so that what runs is always what stands in the sources. */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { root } from "./root.mjs";

const folders = ["src", "gen", "sdk/typescript/src", "sdk/typescript/gen", "test", "bench", "examples"];
const dist = join(root, "dist");
/** The client's package, with its declarations: what programs import that name it. */
const client = join(root, "sdk/typescript");
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
  // The client first: examples are compiled against its declarations.
  const ok = build(client) && build(root);
  removeGhosts();
  const main = join(dist, "src/main.js");
  if (existsSync(main)) {
    chmodSync(main, 0o755);
  }
  return ok;
}

function build(project) {
  const { status } = spawnSync(process.execPath, [compiler, "-p", project], {
    cwd: root,
    stdio: ["ignore", 2, 2],
  });
  return status === 0;
}

/** Removes all that was compiled before. */
export function clean() {
  rmSync(dist, { recursive: true, force: true });
  rmSync(join(client, "dist"), { recursive: true, force: true });
}

/** The compiler trusts its notes and not the folder: without an output the notes are worthless. */
function forgetWhenIncomplete() {
  const sources = folders.flatMap((folder) => files(join(root, folder), /(?<!\.d)\.ts$/));
  for (const [project, output] of [
    ["", dist],
    ["sdk/typescript/", join(client, "dist")],
  ]) {
    const own = sources.filter((path) => path.startsWith(project)).map((path) => path.slice(project.length));
    if (own.some((path) => !existsSync(join(output, path.replace(/\.ts$/, ".js"))))) {
      rmSync(join(output, "tsconfig.tsbuildinfo"), { force: true });
    }
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
  for (const output of files(join(client, "dist"), /\.(js|d\.ts)$/)) {
    const path = relative("sdk/typescript/dist", output).replace(/\.(js|d\.ts)$/, ".ts");
    if (!existsSync(join(client, path))) {
      rmSync(join(root, output));
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
