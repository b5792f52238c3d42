/** Connect's official suite against our own listener: Connect, gRPC and gRPC-Web on both versions of HTTP. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "../tasks/command.mjs";
import { go_tools, goTool } from "../tasks/go-tool.mjs";

const name = "connectconformance finds no failure";

export async function conformance() {
  const tool = await goTool("connectconformance");
  if (tool.path === undefined) {
    return [{ name, outcome: tool.outcome, text: tool.text }];
  }
  const folder = mkdtempSync(join(tmpdir(), "killcord-conformance-"));
  try {
    const descriptors = join(folder, "conformance.binpb");
    const made = await describe(descriptors);
    return made.ok ? await judge(tool.path, descriptors) : [failed(name, `${made.output}${made.why}`)];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Makes the descriptors of the suite's service from the module that the program was built of. */
async function describe(descriptors) {
  const [pkg, version] = go_tools.connectconformance;
  const module = `${pkg.split("/cmd/")[0]}@${version}`;
  const found = await command("go", ["mod", "download", "-json", module], { timeout_seconds: 300 });
  if (!found.ok) {
    return found;
  }
  const proto = join(JSON.parse(found.output).Dir, "proto");
  return command("node", ["node_modules/@bufbuild/buf/bin/buf", "build", proto, "--output", descriptors], {
    timeout_seconds: 120,
  });
}

async function judge(program, descriptors) {
  const { ok, output, why } = await run(program, descriptors, []);
  const counts = /^Total cases: (\d+)\n(\d+) passed, (\d+) failed/m.exec(output);
  if (counts === null) {
    return [failed("connectconformance runs to its end", `${output}${why}`)];
  }
  console.log(`     ${counts[2]} cases passed, ${counts[3]} failed`);
  if (ok) {
    return [{ name: `${counts[2]} cases of connectconformance pass`, outcome: "passed" }];
  }
  const names = [...output.matchAll(/^FAILED: (.+?):?$/gm)].map((match) => match[1]);
  return names.length > 0 && names.length <= few
    ? again(program, descriptors, names, output)
    : [failed(name, output)];
}

/** Some cases are about deadlines, and a machine that is busy with other things misses one. */
const few = 5;

async function again(program, descriptors, names, before) {
  const { ok, output } = await run(
    program,
    descriptors,
    names.flatMap((each) => ["--run", each]),
  );
  console.log(`     once more, alone: ${names.join(", ")}`);
  return ok
    ? [{ name: `all cases pass, ${names.length} of them alone`, outcome: "passed" }]
    : [failed(name, `${before}\nand once more, alone:\n${output}`)];
}

function run(program, descriptors, more) {
  const server = [process.execPath, "dist/test/conformance/server.js", descriptors];
  return command(
    program,
    [
      ...["--mode", "server", "--conf", "test/conformance/features.yaml"],
      ...["--known-failing", "@test/conformance/known-failing.txt"],
      ...more,
      "--",
      ...server,
    ],
    { timeout_seconds: 400 },
  );
}

function failed(what, text) {
  return { name: what, outcome: "failed", text };
}
