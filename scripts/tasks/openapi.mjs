/** Makes docs/openapi.json from the descriptors in dist/ and the comments in proto/, without a network. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "./command.mjs";

/** Where it is committed, from the root. */
export const openapi_path = "docs/openapi.json";

/** The text of the file. What it is made from has to be compiled. */
export async function openapiText() {
  const folder = mkdtempSync(join(tmpdir(), "killcord-openapi-"));
  try {
    const image = join(folder, "image.binpb");
    const build = ["node_modules/@bufbuild/buf/bin/buf", "build", "--output", image];
    const { ok, output, why } = await command("node", build, { timeout_seconds: 60 });
    if (!ok) {
      throw new Error(`${output}${why}`);
    }
    // Loaded here, so that this file can be imported before anything is compiled.
    const { openapiDocument } = await import("../openapi/document.mjs");
    return `${JSON.stringify(await openapiDocument(readFileSync(image)), null, 2)}\n`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
