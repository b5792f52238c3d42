/** Everything under test/, by mocha. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "../tasks/command.mjs";
import { root } from "../tasks/root.mjs";

/**
 * Runs the compiled tests under a folder, `beside` processes side by side, since most tests wait most of
 * the time. The files are dealt into `parts`, and a process that has ended makes room for the next part:
 * so all end at about the same time, however long each takes. What a part prints is shown when it has
 * ended. Each is a process of its own to its end, so that one which a leaked server keeps alive is found.
 *
 * @param {string} folder below the root
 * @param {{ beside: number, parts: number, first: readonly string[], timeout_seconds: number }} options
 *   first: files that take longest, each in one of the parts that begin first; timeout: for each part
 */
export async function mochaFolder(folder, { beside, parts, first, timeout_seconds }) {
  const place = (name) => (first.includes(name) ? first.indexOf(name) : first.length);
  const files = readdirSync(join(root, folder), { recursive: true })
    .filter((name) => name.endsWith(".test.js"))
    .sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1))
    .map((name) => join(folder, name));
  const waiting = Array.from({ length: parts }, (_, part) => files.filter((_, i) => i % parts === part));
  const results = [];
  const work = async () => {
    for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
      const { output, found } = await run(part, { timeout_seconds, show: false });
      process.stdout.write(output);
      results.push(...found);
    }
  };
  await Promise.all(Array.from({ length: beside }, work));
  return results;
}

/**
 * @param {readonly string[]} patterns of compiled test files
 * @param {number} timeout_seconds for all of them; also what finds a test that leaves a server open
 */
export async function mocha(patterns, timeout_seconds) {
  const { found } = await run(patterns, { timeout_seconds, show: true });
  return found;
}

async function run(patterns, { timeout_seconds, show }) {
  const folder = mkdtempSync(join(tmpdir(), "killcord-mocha-"));
  const file = join(folder, "totals.json");
  try {
    const { ok, why, output } = await command(
      "node",
      [
        "node_modules/mocha/bin/mocha.js",
        "--forbid-only",
        process.stdout.isTTY ? "--color" : "--no-color",
        "--reporter=scripts/suites/mocha-totals.cjs",
        `--reporter-option=totals=${file}`,
        ...patterns,
      ],
      { timeout_seconds, show },
    );
    return { output, found: results(file, ok, why) };
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
