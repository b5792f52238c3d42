/**
 * Clients in other languages against the real server, test/interop. Each suite first gets what its
 * client needs beyond Node: found where it is, else installed into ignored folders, once.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { build } from "esbuild";
import { chromium } from "../tasks/chromium.mjs";
import { command, environment } from "../tasks/command.mjs";
import { goTool } from "../tasks/go-tool.mjs";
import { stubsForPython, venv } from "../tasks/python.mjs";
import { root } from "../tasks/root.mjs";
import { mocha } from "./mocha.mjs";

/** What each client needs: resolves to a result that says what is wanting, or to nothing. */
const preparations = {
  node: async () => undefined,
  python: pythonClient,
  go: goClient,
  browser: page,
};

/** @param {keyof typeof preparations} client a test file in test/interop */
export async function interop(client) {
  const wanting = await preparations[client]();
  return wanting === undefined
    ? mocha([`dist/test/interop/${client}.test.js`], 120)
    : [{ name: `what the client ${client} needs`, ...wanting }];
}

async function pythonClient() {
  const { path, ...lack } = await venv();
  if (path === undefined) {
    return lack;
  }
  const folder = emptied(".build/interop/python");
  return outcome(await command(path, stubsForPython(folder), { timeout_seconds: 60 }));
}

async function goClient() {
  const plugins = [];
  for (const name of ["protoc-gen-go", "protoc-gen-go-grpc"]) {
    const { path, ...lack } = await goTool(name);
    if (path === undefined) {
      return lack;
    }
    plugins.push(dirname(path));
  }
  const stubs = await command(
    "node",
    [
      "node_modules/@bufbuild/buf/bin/buf",
      "generate",
      "--template=examples/go/buf.gen.yaml",
      "--output=examples/go",
    ],
    { timeout_seconds: 60, env: { ...environment(), PATH: [...plugins, process.env.PATH].join(delimiter) } },
  );
  const programs = ["-C", "test/interop/go", "-o", `${join(root, emptied(".build/interop/go"))}/`];
  return (
    outcome(stubs) ??
    outcome(
      await command("go", ["build", ...programs, ".", "killcord.example/watch"], { timeout_seconds: 300 }),
    )
  );
}

async function page() {
  const { path, ...lack } = await chromium();
  if (path === undefined) {
    return lack;
  }
  const folder = emptied(".build/interop/browser");
  writeFileSync(join(root, folder, "chromium.txt"), path);
  await build({
    absWorkingDir: root,
    entryPoints: ["test/interop/browser/page.ts"],
    bundle: true,
    format: "esm",
    outfile: `${folder}/page.js`,
    logLevel: "warning",
  });
}

/** A step of ours that must not fail: nothing where it went well. */
function outcome({ ok, output, why }) {
  return ok ? undefined : { outcome: "failed", text: `${output}${why}` };
}

function emptied(folder) {
  rmSync(join(root, folder), { recursive: true, force: true });
  mkdirSync(join(root, folder), { recursive: true });
  return folder;
}
