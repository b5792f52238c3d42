// npm run generate: writes the generated code anew, the description of the REST surface, and the schemas of policies.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { generate, plugins, templates } from "./tasks/codegen.mjs";
import { compile } from "./tasks/compile.mjs";
import { openapi_path, openapiText } from "./tasks/openapi.mjs";
import { policySchemas } from "./tasks/policy-schemas.mjs";
import { stubs_path, writeStubs } from "./tasks/python-stubs.mjs";
import { root } from "./tasks/root.mjs";

for (const template of templates) {
  const { path, text } = await plugins(template);
  if (path === undefined) {
    console.error(`${template}: left out: ${text}`);
    continue;
  }
  const { ok, output, why } = await generate(template, ".", path);
  console.error(ok ? `${template}: done` : `${output}${template}: ${why}`);
  if (!ok) {
    process.exitCode = 1;
  }
}
// A new method that nothing answers yet does not compile, but what is needed here is there.
compile();
writeFileSync(join(root, openapi_path), await openapiText());
console.error(`${openapi_path}: done`);
for (const [path, text] of await policySchemas()) {
  writeFileSync(join(root, path), text);
  console.error(`${path}: done`);
}
const { outcome, text } = await writeStubs(join(root, stubs_path));
console.error(outcome === "passed" ? `${stubs_path}: done` : `${stubs_path} is left as it is: ${text}`);
if (outcome === "failed") {
  process.exitCode = 1;
}
