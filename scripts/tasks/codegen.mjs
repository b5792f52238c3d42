/** Generates code from protobuf with buf, from committed files alone: no network is needed. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { command } from "./command.mjs";
import { root } from "./root.mjs";

/** Templates of buf generate; one that is not there is left out. */
export const templates = ["buf.gen.yaml", "sdk/typescript/buf.gen.yaml", "test/rest/buf.gen.yaml"].filter(
  (path) => existsSync(join(root, path)),
);

/** Runs one template; its output folders land below `folder`. */
export function generate(template, folder) {
  return command(
    "node",
    ["node_modules/@bufbuild/buf/bin/buf", "generate", "--template", template, "--output", folder],
    {
      timeout_seconds: 120,
    },
  );
}

/** The folders that a template writes, as it names them. */
export function outputs(template) {
  const text = readFileSync(join(root, template), "utf8");
  return [...text.matchAll(/^\s+out:\s*(\S+)\s*$/gm)].map((match) => match[1]);
}
