/**
 * The Python of the tests: one virtual environment, .venv, with what python.requirements.txt names,
 * and, for those that want them, the parts python-PART.requirements.txt beside that.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command } from "./command.mjs";
import { root } from "./root.mjs";

const python = join(root, ".venv/bin/python");

/**
 * Makes the environment where it is not there or holds something else, and adds what is wanted.
 *
 * @param {readonly string[]} parts `sdk`: tools that test; `agents`: frameworks of the examples
 * @returns {Promise<{ path: string } | { path: undefined, outcome: "missing", text: string }>}
 *   path: of its Python; else the outcome and text of a result that needed it
 */
export async function venv(parts = []) {
  for (const part of ["", ...parts]) {
    const lack = await install(part);
    if (lack !== undefined) {
      return { path: undefined, outcome: "missing", text: lack };
    }
  }
  return { path: python };
}

/** Installs one file of requirements; answers why it could not. */
async function install(part) {
  const base = part === "";
  const requirements = join(root, `scripts/python${base ? "" : `-${part}`}.requirements.txt`);
  /** What was installed last of it; not there when an install was cut. */
  const installed = join(root, `.venv/installed${base ? "" : `-${part}`}.txt`);
  const wanted = readFileSync(requirements, "utf8");
  if (existsSync(python) && existsSync(installed) && readFileSync(installed, "utf8") === wanted) {
    return undefined;
  }
  for (const [program, ...args] of [
    ...(base ? [["python3", "-m", "venv", "--clear", ".venv"]] : []),
    [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements],
  ]) {
    const { ok, output, why } = await command(program, args, { timeout_seconds: 300 });
    if (!ok) {
      return `Python has not what ${requirements} names. Install Python 3.10 or newer with its venv and pip.\n${output}${why}`;
    }
  }
  writeFileSync(installed, wanted);
  return undefined;
}
