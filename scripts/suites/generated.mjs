/** Generated code is committed: it must be what the generator writes today, byte for byte. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { generate, outputs, plugins, templates } from "../tasks/codegen.mjs";
import { openapi_path, openapiText } from "../tasks/openapi.mjs";
import { stubs_path, writeStubs } from "../tasks/python-stubs.mjs";
import { root } from "../tasks/root.mjs";

export async function generated() {
  const results = [await openapi(), await pythonStubs()];
  for (const template of templates) {
    const folder = mkdtempSync(join(tmpdir(), "killcord-generated-"));
    try {
      results.push(await compare(template, folder));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return results;
}

async function openapi() {
  const name = `${openapi_path} is what the descriptors say`;
  const committed = readFileSync(join(root, openapi_path), "utf8");
  return committed === (await openapiText())
    ? { name, outcome: "passed" }
    : { name, outcome: "failed", text: "Run `npm run generate` and commit what changes." };
}

async function pythonStubs() {
  const name = `${stubs_path} is what sdk/python/generate.py writes`;
  const folder = mkdtempSync(join(tmpdir(), "killcord-generated-"));
  try {
    const fresh = join(folder, "descriptors.py");
    const { outcome, ...why } = await writeStubs(fresh);
    if (outcome !== "passed") {
      return { name, outcome, ...why };
    }
    return readFileSync(fresh).equals(readFileSync(join(root, stubs_path)))
      ? { name, outcome }
      : { name, outcome: "failed", text: "Run `npm run generate` and commit what changes." };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function compare(template, folder) {
  const name = `${outputs(template).join(", ")} is what ${template} generates`;
  const { path, ...lack } = await plugins(template);
  if (path === undefined) {
    return { name, ...lack };
  }
  const { ok, output, why } = await generate(template, folder, path);
  if (!ok) {
    return { name, outcome: "failed", text: `${output}${why}` };
  }
  const differences = outputs(template).flatMap((out) => differ(join(root, out), join(folder, out), out));
  if (differences.length > 0) {
    const text = `Run \`npm run generate\` and commit what changes:\n${differences.join("\n")}`;
    return { name, outcome: "failed", text };
  }
  return { name, outcome: "passed" };
}

function differ(committed, fresh, out) {
  const have = read(committed);
  const want = read(fresh);
  if (want.size === 0) {
    return [`${out}: nothing was generated`];
  }
  return [...new Set([...have.keys(), ...want.keys()])].sort().flatMap((path) => {
    const [old, now] = [have.get(path), want.get(path)];
    if (old !== undefined && now !== undefined) {
      return old.equals(now) ? [] : [`${out}/${path}: differs`];
    }
    return [`${out}/${path}: ${old === undefined ? "missing" : "no longer generated"}`];
  });
}

function read(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return new Map(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [relative(folder, path), readFileSync(path)];
    }),
  );
}
