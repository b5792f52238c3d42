/** The Python of the tests: one virtual environment, .venv, with what python.requirements.txt names. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command } from "./command.mjs";
import { root } from "./root.mjs";

const requirements = join(root, "scripts/python.requirements.txt");
const python = join(root, ".venv/bin/python");
/** What was installed last; not there when an install was cut. */
const installed = join(root, ".venv/installed.txt");

/**
 * Makes the environment where it is not there or holds something else.
 *
 * @returns {Promise<{ path: string } | { path: undefined, outcome: "missing", text: string }>}
 *   path: of its Python; else the outcome and text of a result that needed it
 */
export async function venv() {
  const wanted = readFileSync(requirements, "utf8");
  if (existsSync(python) && existsSync(installed) && readFileSync(installed, "utf8") === wanted) {
    return { path: python };
  }
  for (const [program, ...args] of [
    ["python3", "-m", "venv", "--clear", ".venv"],
    [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements],
  ]) {
    const { ok, output, why } = await command(program, args, { timeout_seconds: 300 });
    if (!ok) {
      const text = `no Python with gRPC. Install Python 3.10 or newer with its venv and pip.\n${output}${why}`;
      return { path: undefined, outcome: "missing", text };
    }
  }
  writeFileSync(installed, wanted);
  return { path: python };
}
