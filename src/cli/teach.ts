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

/** The same for a command that talks to a server. */
export function serverCommand(name: string, lesson: Lesson): Command {
  const made = command(name, lesson);
  for (const option of accessOptions()) made.addOption(option);
  return made;
}
