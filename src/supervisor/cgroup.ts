/**
 * A control group of Linux (cgroup v2), where a folder of the own one may be made: its members cannot
 * leave it by changing their group or session, one write ends them all, and it tells when none is left.
 * Format: the kernel's Documentation/admin-guide/cgroup-v2.rst.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The folder of the control group in which this process is; null where there is no version 2. */
export function ownCgroup(proc: string): string | null {
  try {
    const path = /^0::(\/.*)$/m.exec(readFileSync(join(proc, "self/cgroup"), "utf8"))?.[1];
    if (path === undefined) return null;
    for (const line of readFileSync(join(proc, "self/mountinfo"), "utf8").split("\n")) {
      // 36 35 98:0 ROOT MOUNT_POINT options ... - TYPE source options
      const [before = "", after = ""] = line.split(" - ");
      const [, , , root = "", mount = ""] = before.split(" ");
      if (!after.startsWith("cgroup2 ") || !isUnder(path, root)) continue;
      return join(unescaped(mount), root === "/" ? path : path.slice(root.length));
    }
  } catch {
    // No /proc: no Linux.
  }
  return null;
}

function isUnder(path: string, root: string): boolean {
  return root === "/" || path === root || path.startsWith(`${root}/`);
}

/** Mount points spell blanks and the like in octal. */
function unescaped(mount: string): string {
  return mount.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/**
 * Makes a control group in that one, and proves that processes can be put there and taken out again by
 * doing it with the caller's own. Null where any of it is refused; nothing is left behind then.
 */
export function makeCgroup(parent: string, name: string): string | null {
  const folder = join(parent, name);
  try {
    mkdirSync(folder);
  } catch {
    return null;
  }
  // Kernels before 5.14 have no such file: without it nothing is gained.
  if (!existsSync(join(folder, "cgroup.kill"))) {
    removeCgroup(folder);
    return null;
  }
  try {
    return bornIn(folder, parent, () => folder);
  } catch {
    removeCgroup(folder);
    return null;
  }
}

/**
 * Runs `start`, whose processes are in the control group from their first moment: this process is
 * there while it starts them, and back in its own afterwards.
 *
 * @throws what the kernel refuses, and what `start` throws
 */
export function bornIn<T>(folder: string, own: string, start: () => T): T {
  write(folder, "cgroup.procs", String(process.pid));
  try {
    return start();
  } finally {
    write(own, "cgroup.procs", String(process.pid));
  }
}

/** The numbers of its processes, and of those in groups within it. */
export function pidsIn(folder: string): readonly number[] {
  return foldersIn(folder).flatMap((each) =>
    read(each, "cgroup.procs")
      .split("\n")
      .filter((line) => line !== "")
      .map(Number),
  );
}

/** Ends all that is in it, by one write: what forks meanwhile is ended too. */
export function killCgroup(folder: string): void {
  tryToWrite(folder, "cgroup.kill", "1");
}

/** Holds all that is in it where it is, or lets it go on. */
export function freezeCgroup(folder: string, held: boolean): void {
  tryToWrite(folder, "cgroup.freeze", held ? "1" : "0");
}

/** Whether anything is in it that has not ended. */
export function isPopulated(folder: string): boolean {
  return /^populated 1$/m.test(read(folder, "cgroup.events"));
}

/** Removes it with what was made within it; what still has processes stays. */
export function removeCgroup(folder: string): void {
  for (const each of foldersIn(folder).toReversed()) {
    try {
      rmdirSync(each);
    } catch {
      // Not empty yet, or gone: the folder of a group that has ended does no harm.
    }
  }
}

/** It, and the groups within it, each before those that it holds. */
function foldersIn(folder: string): readonly string[] {
  try {
    const within = readdirSync(folder, { withFileTypes: true }).filter((each) => each.isDirectory());
    return [folder, ...within.flatMap(({ name }) => foldersIn(join(folder, name)))];
  } catch {
    return [];
  }
}

function read(folder: string, file: string): string {
  try {
    return readFileSync(join(folder, file), "utf8");
  } catch {
    return "";
  }
}

/** Never makes a file: a folder that is no control group has none to write to. */
function write(folder: string, file: string, text: string): void {
  writeFileSync(join(folder, file), text, { flag: "r+" });
}

function tryToWrite(folder: string, file: string, text: string): void {
  try {
    write(folder, file, text);
  } catch {
    // Gone, or refused: what is left is seen by whoever asked, and met by other means.
  }
}
