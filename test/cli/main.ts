/** The program under test. */
import { Command } from "commander";
import { run } from "../../src/cli/exit.js";
import { buildProgram } from "../../src/cli/program.js";

await run(buildProgram({ serve: new Command("serve"), verify: new Command("verify") }), process.argv);
