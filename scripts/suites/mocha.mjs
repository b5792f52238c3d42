/** Everything under test/, by mocha. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "../tasks/command.mjs";

/**
 * @param {readonly string[]} patterns of compiled test files
 * @param {number} timeout_seconds for all of them; also what finds a test that leaves a server open
 */
export async function mocha(patterns, timeout_seconds) {
  const folder = mkdtempSync(join(tmpdir(), "killcord-mocha-"));
  const file = join(folder, "totals.json");
  try {
    const { ok, why } = await command(
      "node",
      [
        "node_modules/mocha/bin/mocha.js",
        "--forbid-only",
        process.stdout.isTTY ? "--color" : "--no-color",
        "--reporter=scripts/suites/mocha-totals.cjs",
        `--reporter-option=totals=${file}`,
        ...patterns,
      ],
      { timeout_seconds, show: true },
    );
    return results(file, ok, why);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function results(file, ok, why) {
  let totals;
  try {
    totals = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return [
      {
        name: "mocha runs to its end",
        outcome: "failed",
        text: `${why || "no totals"}; see its output above`,
      },
    ];
  }
  const { passed, failed, skipped } = totals;
  return [
    ...Array.from({ length: passed }, () => ({ name: "", outcome: "passed" })),
    ...failed.map((name) => ({ name, outcome: "failed", text: "" })),
    ...skipped.map((name) => ({ name, outcome: "missing", text: "" })),
    // All passed, and yet: a process that a leaked server keeps alive, or that dies on its way out.
    ...(!ok && failed.length === 0 ? [{ name: "mocha ends by itself", outcome: "failed", text: why }] : []),
  ];
}
