// npm run generate: writes the generated code anew.
import { generate, templates } from "./tasks/codegen.mjs";

for (const template of templates) {
  const { ok, output, why } = await generate(template, ".");
  console.error(ok ? `${template}: done` : `${output}${template}: ${why}`);
  if (!ok) {
    process.exitCode = 1;
  }
}
