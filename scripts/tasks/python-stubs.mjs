/** The messages that sdk/python carries, made from proto/ with the tools of the tests' Python. */
import { command } from "./command.mjs";
import { venv } from "./python.mjs";

export const stubs_path = "sdk/python/killcord/_proto/descriptors.py";

/**
 * Writes them to a file.
 *
 * @returns {Promise<{ outcome: "passed" | "failed" | "missing", text?: string }>}
 */
export async function writeStubs(file) {
  const { path, ...lack } = await venv();
  if (path === undefined) {
    return lack;
  }
  const { ok, output, why } = await command(path, ["sdk/python/generate.py", file], { timeout_seconds: 60 });
  return ok ? { outcome: "passed" } : { outcome: "failed", text: `${output}${why}` };
}
