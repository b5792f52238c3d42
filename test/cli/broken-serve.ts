/** The program with a server that does not start, as on a full disk. */
import { Command } from "commander";
import { run } from "../../src/cli/exit.js";
import { CommandFailure } from "../../src/cli/failure.js";
import { buildProgram } from "../../src/cli/program.js";
import { verifyCommand } from "../../src/cli/verify.js";

const serve = new Command("serve").allowUnknownOption().action(() => {
  throw new CommandFailure("start.directory", 1, "no space is left on the device");
});
serve.allowExcessArguments();
await run(buildProgram({ serve, verify: verifyCommand() }), process.argv);
