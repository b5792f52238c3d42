/** Commands whose help teaches: a summary for the list, what it does, and examples to copy. */
import { Command } from "commander";
import { accessOptions } from "./access.js";

/** What the help of a command says. */
export interface Lesson {
  /** One line for the list of commands. */
  readonly summary: string;
  /** What it does, and what a reader might get wrong. */
  readonly description: string;
  /** Whole command lines. */
  readonly examples: readonly string[];
}

/** A command with its help. */
export function command(name: string, lesson: Lesson): Command {
  const title = lesson.examples.length === 1 ? "Example:" : "Examples:";
  return new Command(name)
    .summary(lesson.summary)
    .description(lesson.description)
    .addHelpText("after", `\n${title}\n${lesson.examples.map((line) => `  ${line}`).join("\n")}`);
}

/** A command that talks to a server: its own options first, then how to reach the server. */
export function talksToServer(made: Command): Command {
  for (const option of accessOptions()) made.addOption(option);
  return made;
}

/** A command of commands that talk to a server. */
export function serverCommands(name: string, lesson: Lesson, commands: readonly Command[]): Command {
  const group = command(name, lesson);
  for (const made of commands) group.addCommand(talksToServer(made));
  return group;
}
