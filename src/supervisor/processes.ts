/** The processes of a Linux machine, as /proc shows them (proc(5)). Elsewhere there is nothing to read. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** One process at the moment of the reading. A number alone may be given again; with the start it may not. */
export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** One letter: `Z` has ended and waits to be collected, `D` waits for a device and hears no signal. */
  readonly state: string;
  /** When it began, in clock ticks since the machine did. */
  readonly started_ticks: number;
}

/** All processes that are to be seen; null where there is no /proc of Linux. */
export function readProcesses(proc: string): readonly Process[] | null {
  let names: string[];
  try {
    names = readdirSync(proc);
  } catch {
    return null;
  }
  const found: Process[] = [];
  for (const name of names) {
    const first = name.charCodeAt(0);
    if (first < 0x31 || first > 0x39) continue;
    const process = readProcess(proc, Number(name));
    if (process !== null) found.push(process);
  }
  // Whoever reads is there too: a /proc without a single process is another system's.
  return found.length === 0 ? null : found;
}

/** One process; null when it is gone. */
export function readProcess(proc: string, pid: number): Process | null {
  let text: string;
  try {
    text = readFileSync(join(proc, String(pid), "stat"), "latin1");
  } catch {
    return null;
  }
  // The name stands in parentheses and may hold any character, also these: the last one ends it.
  const words = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const started_ticks = Number(words[19]);
  if (!Number.isSafeInteger(started_ticks)) return null;
  return {
    pid,
    state: words[0] ?? "",
    parent: Number(words[1]),
    group: Number(words[2]),
    session: Number(words[3]),
    started_ticks,
  };
}

/** Whether a process still does something, or may: one that only waits to be collected does not. */
export function isAlive(process: Process): boolean {
  return process.state !== "Z" && process.state !== "X" && process.state !== "x";
}

/** Whether a process was started with this text in the value of that variable; false if it may not be read. */
export function hasVariable(proc: string, pid: number, name: string, part: string): boolean {
  let text: string;
  try {
    text = readFileSync(join(proc, String(pid), "environ"), "latin1");
  } catch {
    return false;
  }
  return text.split("\0").some((each) => each.startsWith(`${name}=`) && each.includes(part, name.length));
}

/** A process in words, for a line to a person: its number and its name. */
export function nameOf(proc: string, pid: number): string {
  try {
    return `${pid} (${readFileSync(join(proc, String(pid), "comm"), "utf8").trim()})`;
  } catch {
    return String(pid);
  }
}
