/** grpcurl against the real server: what reflection and health say, as its users see it. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { goTool } from "../tasks/go-tool.mjs";
import { root } from "../tasks/root.mjs";
import { mocha } from "./mocha.mjs";

export async function grpcurl() {
  const { path, ...lack } = await goTool("grpcurl");
  if (path === undefined) {
    return [{ name: "there is a grpcurl", ...lack }];
  }
  mkdirSync(join(root, ".build"), { recursive: true });
  writeFileSync(join(root, ".build/grpcurl.txt"), path);
  return mocha(["dist/test/interop/grpcurl.interop.js"], 300);
}
