/** Runs the command line, and turns however it ends into an exit status and words. */
import { type Command, CommanderError } from "commander";
import { CommandFailure, systemReason } from "./failure.js";
import { printFailure } from "./output.js";

/**
 * Runs one command line and sets process.exitCode: 0 done, 1 the thing asked about failed, 2 wrong
 * usage, 3 unreachable or refused. A command that has its own say (verify) sets it itself.
 *
 * @param argv as in process.argv
 */
export async function run(program: Command, argv: readonly string[]): Promise<void> {
  process.stdout.off("error", readerLeft).on("error", readerLeft);
  const json = wantsJson(argv);
  settle(program, program.name(), json);
  try {
    await program.parseAsync(argv);
  } catch (error) {
    process.exitCode = tell(error, json);
  }
}

/**
 * `killcord sessions list | head`: the reader has enough, which is no fault. A command that has
 * something to take down first listens to SIGTERM, and is asked in the same way.
 */
function readerLeft(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
  if (process.listenerCount("SIGTERM") === 0) process.exit(process.exitCode);
  process.emit("SIGTERM", "SIGTERM");
}

/** Makes commander throw instead of ending the process, and keep quiet where JSON is to be written. */
function settle(command: Command, path: string, json: boolean): void {
  command.exitOverride();
  command.helpOption("-h, --help", "print this help");
  command.configureOutput({
    writeErr: (text) => {
      if (!json) process.stderr.write(text);
    },
    outputError: (text, write) => write(text.replace(/^error: /, "killcord: ")),
  });
  command.showHelpAfterError(`See \`${path} --help\`.`);
  if (command.commands.length > 0) command.helpCommand("help [command]", "print the help of a command");
  for (const sub of command.commands) settle(sub, `${path} ${sub.name()}`, json);
}

function tell(error: unknown, json: boolean): number {
  if (error instanceof CommanderError) return usageStatus(error, json);
  if (error instanceof CommandFailure) {
    printFailure(error, json);
    return error.status;
  }
  // A fault of ours. The stack would help nobody at a terminal; KILLCORD_DEBUG brings it.
  if (process.env.KILLCORD_DEBUG) process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  const message = `a fault in killcord: ${systemReason(error)}; run it again with KILLCORD_DEBUG=1 to see where`;
  printFailure(new CommandFailure("internal", 1, message), json);
  return 1;
}

/** Commander has written its text already, but for --json. */
function usageStatus(error: CommanderError, json: boolean): number {
  if (error.exitCode === 0) return 0;
  if (json) {
    const missing = error.code === "commander.help";
    const message = missing
      ? "a command is missing: see killcord --help"
      : error.message.replace(/^error: /, "");
    printFailure(new CommandFailure("invalid_argument", 2, message), true);
  }
  return 2;
}

/** Known before the line is parsed, since parsing is what may fail. */
function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return (end === -1 ? argv : argv.slice(0, end)).includes("--json");
}
