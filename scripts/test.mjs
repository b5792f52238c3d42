// npm test [-- SUITE…]: builds from nothing and runs every suite, or those that are named. The last
// line of output is the totals; the exit status is 1 when anything failed or nothing ran.
import { suites } from "./suites.mjs";
import { clean, compile } from "./tasks/compile.mjs";

const in_ci = Boolean(process.env.CI) && process.env.CI !== "false";
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !suites.some((suite) => suite.name === name));

if (unknown.length > 0) {
  console.error(
    `No suite ${unknown.join(", ")}. There are: ${suites.map((suite) => suite.name).join(", ")}.`,
  );
  process.exitCode = 2;
} else {
  const chosen = suites.filter((suite) => wanted.length === 0 || wanted.includes(suite.name));
  process.exitCode = conclude(await runAll(chosen));
}

/** Runs suites one after the other, but for those that say otherwise: two cores are few, and outputs would mix. */
async function runAll(chosen) {
  const rows = [];
  let built = true;
  if (chosen.some((suite) => suite.compiled)) {
    console.log("== build");
    clean();
    built = compile();
    if (!built) {
      rows.push(row("build", 0, [{ name: "everything compiles", outcome: "failed", text: "see above" }]));
    }
  }
  for (const group of grouped(chosen.filter((each) => built || !each.compiled))) {
    console.log(`\n== ${group.map(({ name }) => name).join(", ")}`);
    for (const each of await Promise.all(group.map(timed))) {
      rows.push(each);
      print(each);
    }
  }
  return rows;
}

/** Suites that run side by side, by what they say of it. */
function grouped(chosen) {
  const groups = [];
  for (const suite of chosen) {
    const last = groups.at(-1);
    if (suite.beside !== undefined && last?.[0].beside === suite.beside) {
      last.push(suite);
    } else {
      groups.push([suite]);
    }
  }
  return groups;
}

async function timed(suite) {
  const start_ms = performance.now();
  const results = await attempt(suite);
  return row(suite.name, (performance.now() - start_ms) / 1000, results);
}

async function attempt(suite) {
  try {
    const results = await suite.run();
    return results.length > 0
      ? results
      : [{ name: "something runs", outcome: "failed", text: "no test was found" }];
  } catch (error) {
    return [{ name: "the suite runs", outcome: "failed", text: error.stack }];
  }
}

function row(name, seconds, results) {
  const judged = results.map((result) =>
    result.outcome === "missing" ? { ...result, outcome: in_ci ? "failed" : "skipped" } : result,
  );
  const having = (outcome) => judged.filter((result) => result.outcome === outcome);
  return { name, seconds, passed: having("passed"), failed: having("failed"), skipped: having("skipped") };
}

/** What a suite said of its own; mocha has printed its tests itself. */
function print({ passed, failed, skipped }) {
  const lines = [...passed.map((each) => ["  ok", each]), ...failed.map((each) => ["FAIL", each])];
  for (const [word, { name, text }] of [...lines, ...skipped.map((each) => ["skip", each])]) {
    if (name !== "" && text !== "") {
      console.log(`${word} ${name}${text === undefined ? "" : `\n${text.replace(/^/gm, "     ")}`}`);
    }
  }
}

/** Prints the counts of every suite, what failed, and the totals. Returns the exit status. */
function conclude(rows) {
  const sum = (outcome) => rows.reduce((total, each) => total + each[outcome].length, 0);
  console.log(`\n${"suite".padEnd(16)}  passed  failed  skipped  seconds`);
  for (const { name, seconds, passed, failed, skipped } of rows) {
    const counts = [passed.length, failed.length, skipped.length, seconds.toFixed(1)];
    console.log(name.padEnd(16) + counts.map((each, i) => String(each).padStart([8, 8, 9, 9][i])).join(""));
  }
  for (const outcome of ["failed", "skipped"]) {
    for (const each of rows) {
      for (const { name } of each[outcome]) {
        console.log(`${outcome}: ${each.name}: ${name}`);
      }
    }
  }
  console.log(`${sum("passed")} passed, ${sum("failed")} failed, ${sum("skipped")} skipped`);
  return sum("failed") > 0 || sum("passed") === 0 ? 1 : 0;
}
