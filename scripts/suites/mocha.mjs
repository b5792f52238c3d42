/** Everything under test/, by mocha. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "../tasks/command.mjs";
import { root } from "../tasks/root.mjs";

/**
 * Runs the compiled tests under a folder, in as many processes side by side as `shards` says: most of
 * them wait most of the time. The first one's output is shown as it comes, the others' after it. Each
 * is a process of its own to its end, so that one which a leaked server keeps alive is found.
 *
 * @param {string} folder below the root
 * @param {{ shards: number, timeout_seconds: number }} options timeout: for all of them
 */
export async function mochaFolder(folder, { shards, timeout_seconds }) {
  const files = readdirSync(join(root, folder), { recursive: true })
    .filter((name) => name.endsWith(".test.js"))
    .sort()
    .map((name) => join(folder, name));
  const dealt = Array.from({ length: shards }, (_, shard) => files.filter((_, i) => i % shards === shard));
  const runs = dealt.map((some, shard) => run(some, { timeout_seconds, show: shard === 0 }));
  const results = [];
  for (const each of runs) {
    const { output, found } = await each;
    process.stdout.write(output);
    results.push(...found);
  }
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
