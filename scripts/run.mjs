// npm start, npm run killcord: builds what changed, then becomes the program. In this process and
// not in a child, so that signals, the terminal and the exit status are the program's own. package.json
// says `exec` for the same reason: npm passes a signal to its shell, which would die and leave us behind.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { compile } from "./tasks/compile.mjs";
import { root } from "./tasks/root.mjs";

if (compile()) {
  const main = join(root, "dist/src/main.js");
  process.argv[1] = main;
  await import(pathToFileURL(main).href);
} else {
  console.error("killcord was not started: the build failed.");
  process.exitCode = 1;
}
