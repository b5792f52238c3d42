/** The client for Go, sdk/go: its tests against the real server, its form, its examples. */
import { join } from "node:path";
import { command } from "../tasks/command.mjs";
import { goTool, hasGo, no_go } from "../tasks/go-tool.mjs";
import { root } from "../tasks/root.mjs";

const folder = join(root, "sdk/go");

export async function sdkGo() {
  if (!(await hasGo())) {
    return [{ name: "the Go client is tested", outcome: "missing", text: no_go }];
  }
  return [await formatted(), await clean(), ...(await tested())];
}

async function formatted() {
  const name = "gofmt changes nothing";
  const { ok, output, why } = await command("gofmt", ["-l", "sdk/go", "examples/go/loop"], {
    timeout_seconds: 60,
  });
  return ok && output === ""
    ? { name, outcome: "passed" }
    : { name, outcome: "failed", text: `${output}${why}` };
}

/** Staticcheck knows what vet knows and more; go test runs vet itself. */
async function clean() {
  const name = "staticcheck finds nothing";
  const { path, ...lack } = await goTool("staticcheck");
  if (path === undefined) {
    return { name, ...lack };
  }
  const { ok, output, why } = await command(path, ["./..."], { timeout_seconds: 300, cwd: folder });
  return ok ? { name, outcome: "passed" } : { name, outcome: "failed", text: `${output}${why}` };
}

/** With the race detector where there is a C compiler, which Go has looked for. */
async function tested() {
  const { output: cgo } = await command("go", ["env", "CGO_ENABLED"], { timeout_seconds: 60, cwd: folder });
  const race = cgo.trim() === "1" ? ["-race"] : [];
  if (race.length === 0) {
    console.log("     without the race detector: there is no C compiler");
  }
  const { ok, output, why } = await command("go", ["test", "-json", "-count=1", ...race, "./..."], {
    timeout_seconds: 300,
    cwd: folder,
  });
  const results = resultsOf(output);
  const failing = results.some(({ outcome }) => outcome === "failed");
  return ok || failing
    ? results
    : [...results, { name: "go test ends well", outcome: "failed", text: `${plain(output)}${why}` }];
}

/** One result a test, from the events of `go test -json`; a failed one with what it printed. */
function resultsOf(output) {
  const said = new Map();
  const results = [];
  for (const { Action, Package, Test, Output } of events(output)) {
    if (Test === undefined) {
      continue;
    }
    const key = `${Package} ${Test}`;
    if (Action === "output") {
      said.set(key, `${said.get(key) ?? ""}${Output}`);
    } else if (Action === "pass") {
      results.push({ name: Test, outcome: "passed" });
    } else if (Action === "fail") {
      results.push({ name: Test, outcome: "failed", text: said.get(key) ?? "" });
    } else if (Action === "skip") {
      results.push({ name: Test, outcome: "missing", text: said.get(key) ?? "" });
    }
  }
  return results;
}

function events(output) {
  return output.split("\n").flatMap((line) => {
    try {
      return [JSON.parse(line)];
    } catch {
      return [];
    }
  });
}

/** What was printed beside tests: a build that failed, a process that died. */
function plain(output) {
  return output
    .split("\n")
    .map((line) => {
      try {
        return JSON.parse(line).Output ?? "";
      } catch {
        return `${line}\n`;
      }
    })
    .join("");
}
