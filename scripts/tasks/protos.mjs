import { readdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "./root.mjs";

/** The files of Killcord's API, as they import each other. */
export function protos() {
  return readdirSync(join(root, "proto"), { recursive: true })
    .filter((path) => path.endsWith(".proto"))
    .sort();
}
