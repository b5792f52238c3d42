/**
 * Clients in other languages against the real server, test/interop. Each suite first gets what its
 * client needs beyond Node: found where it is, else installed into ignored folders, once.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { chromium } from "../tasks/chromium.mjs";
import { command } from "../tasks/command.mjs";
import { goTool } from "../tasks/go-tool.mjs";
import { venv } from "../tasks/python.mjs";
import { root } from "../tasks/root.mjs";
import { mocha } from "./mocha.mjs";

/** What each needs, in order: each resolves to a path, or to a result that says what is wanting. */
const needs = {
  curl: [curl],
  node: [],
  python: [venv],
  go: [goPlugins],
  browser: [() => page("browser", "page")],
  client: [() => page("client", "client")],
  verifier: [() => page("verifier", "verifier")],
  log: [openssl, fsck],
  watchers: [curl, venv, goPlugins],
};

/**
 * Runs one. Its file is no `.test.ts`, which need nothing but Node.
 *
 * @param {keyof typeof needs} client a file of test/interop
 */
export async function interop(client) {
  for (const find of needs[client]) {
    const { path, ...lack } = await find();
    if (path === undefined) {
      return [{ name: `${client} has what it needs`, ...lack }];
    }
  }
  return mocha([`dist/test/interop/${client}.interop.js`], 300);
}

async function curl() {
  const { ok } = await command("curl", ["--version"], { timeout_seconds: 30 });
  return ok
    ? { path: "curl" }
    : { path: undefined, outcome: "missing", text: "no curl is on the PATH: install it." };
}

/** The plugins with which buf makes Go. */
async function goPlugins() {
  const { path, ...lack } = await goTool("protoc-gen-go");
  return path === undefined ? { path, ...lack } : goTool("protoc-gen-go-grpc");
}

async function openssl() {
  const { ok } = await command("openssl", ["version"], { timeout_seconds: 30 });
  return ok ? { path: "openssl" } : { path: undefined, outcome: "missing", text: "no openssl was found" };
}

/** Checks a static log, written by others. */
async function fsck() {
  const { path, ...lack } = await goTool("fsck");
  if (path === undefined) {
    return { path, ...lack };
  }
  writeFileSync(join(root, emptied(".build/interop/log"), "fsck.txt"), path);
  return { path };
}

/** A Chromium and the page that it opens, whose program is a file of test/interop/browser. */
async function page(client, program) {
  const { path, ...lack } = await chromium();
  if (path === undefined) {
    return { path, ...lack };
  }
  const folder = emptied(`.build/interop/${client}`);
  writeFileSync(join(root, folder, "chromium.txt"), path);
  await build({
    absWorkingDir: root,
    entryPoints: [`test/interop/browser/${program}.ts`],
    bundle: true,
    format: "esm",
    outfile: `${folder}/page.js`,
    logLevel: "warning",
  });
  return { path };
}

function emptied(folder) {
  rmSync(join(root, folder), { recursive: true, force: true });
  mkdirSync(join(root, folder), { recursive: true });
  return folder;
}
