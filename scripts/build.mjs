// npm run build: compiles what changed into dist.
import { compile } from "./tasks/compile.mjs";

process.exitCode = compile() ? 0 : 1;
