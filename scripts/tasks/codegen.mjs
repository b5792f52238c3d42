/**
 * Generates code from protobuf with buf, from committed files alone: no network is needed. Go has its
 * generators as programs: its stubs are left out where there is no Go.
 */
import { existsSync, readFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { command, environment } from "./command.mjs";
import { goTool } from "./go-tool.mjs";
import { root } from "./root.mjs";

/** Templates of buf generate; one that is not there is left out. */
export const templates = [
  "buf.gen.yaml",
  "sdk/typescript/buf.gen.yaml",
  "test/rest/buf.gen.yaml",
  "sdk/go/buf.gen.yaml",
].filter((path) => existsSync(join(root, path)));

/**
 * What a template's plugins need on the PATH beyond Node.
 *
 * @returns {Promise<{ path: string } | { path: undefined, outcome: "missing", text: string }>}
 *   path: of the environment; else the outcome and text of a result that needed it
 */
export async function plugins(template) {
  const names = [...readFileSync(join(root, template), "utf8").matchAll(/local: (protoc-gen-go\S*)/g)].map(
    (match) => match[1],
  );
  const folders = [];
  for (const name of names) {
    const { path, ...lack } = await goTool(name);
    if (path === undefined) {
      return { path, ...lack };
    }
    folders.push(dirname(path));
  }
  return { path: [...folders, process.env.PATH].join(delimiter) };
}

/**
 * Runs one template; its output folders land below `folder`.
 *
 * @param {string} path of its plugins
 */
export function generate(template, folder, path) {
  return command(
    "node",
    ["node_modules/@bufbuild/buf/bin/buf", "generate", "--template", template, "--output", folder],
    {
      timeout_seconds: 120,
      env: { ...environment(), PATH: path },
    },
  );
}

/** The folders that a template writes, as it names them. */
export function outputs(template) {
  const text = readFileSync(join(root, template), "utf8");
  return [...new Set([...text.matchAll(/^\s+out:\s*(\S+)\s*$/gm)].map((match) => match[1]))];
}
