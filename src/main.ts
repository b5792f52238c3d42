#!/usr/bin/env node
import { run } from "./cli/exit.js";
import { buildProgram } from "./cli/program.js";
import { serveCommand } from "./cli/serve.js";
import { verifyCommand } from "./cli/verify.js";

await run(buildProgram({ serve: serveCommand(), verify: verifyCommand() }), process.argv);
