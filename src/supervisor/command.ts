/** Starts the command of a run: in a session and a process group of its own, marked, in its control group. */
import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { bornIn } from "./cgroup.js";
import { mark_variable, type Run } from "./run.js";

export interface Command {
  readonly file: string;
  readonly words: readonly string[];
  /** What it gets; a variable that is undefined is not there. */
  readonly env: NodeJS.ProcessEnv;
}

export interface StartedCommand {
  readonly kind: "started";
  readonly child: ChildProcess;
  readonly pid: number;
}

export type Started =
  | StartedCommand
  /** As shells number it: 127 there is none of that name, 126 it cannot be run. */
  | { readonly kind: "refused"; readonly status: 126 | 127; readonly why: string };

/**
 * Starts it with our input, output and errors. A session of its own has no terminal, which is what
 * keeps a terminal's signals from it: they come to us and are passed on, once. It reads and writes
 * the terminal all the same, as job control is for the processes of the terminal's own session.
 *
 * @param own_cgroup ours, to which this process returns; null without control groups
 */
export async function startCommand(command: Command, run: Run, own_cgroup: string | null): Promise<Started> {
  const outer = command.env[mark_variable];
  const begin = () =>
    spawn(command.file, command.words, {
      stdio: "inherit",
      detached: true,
      env: { ...command.env, [mark_variable]: outer ? `${outer}/${run.mark}` : run.mark },
    });
  const child = run.cgroup === null || own_cgroup === null ? begin() : bornIn(run.cgroup, own_cgroup, begin);
  if (child.pid !== undefined) return { kind: "started", child, pid: child.pid };
  const error = await new Promise<NodeJS.ErrnoException>((resolve) => child.once("error", resolve));
  return error.code === "ENOENT"
    ? { kind: "refused", status: 127, why: `${command.file}: there is no such command` }
    : {
        kind: "refused",
        status: 126,
        why: `${command.file}: it cannot be run (${error.code ?? error.message})`,
      };
}

/** An exit status as shells number it: its own, or 128 and the number of the signal that ended it. */
export function statusOf(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}
