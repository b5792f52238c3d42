/** One run under supervision: its command, its guard, and everything that descends from the command. */

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { makeCgroup, removeCgroup } from "./cgroup.js";
import { type Command, type StartedCommand, startCommand, statusOf } from "./command.js";
import { endAll } from "./ending.js";
import { type Family, type Member, openFamily } from "./family.js";
import { type Guard, startGuard } from "./guard.js";
import { type Holder, openHold } from "./hold.js";
import { markOwnLimit } from "./limit-mark.js";
import { lookOut } from "./lookout.js";
import type { Run } from "./run.js";
import { passSignals } from "./signals.js";

/** How a run ended. `left` are processes that could not be ended. */
export type Finish =
  /** The command ended by itself, and left `background` processes behind, which were ended. */
  | {
      readonly kind: "exited";
      readonly status: number;
      readonly background: number;
      readonly left: readonly Member[];
    }
  /** It was told to stop. */
  | { readonly kind: "stopped"; readonly left: readonly Member[] }
  /** The command never ran: 127 there is none of that name, 126 it cannot be run. */
  | { readonly kind: "refused"; readonly status: 126 | 127; readonly why: string }
  /** A signal asked to end before the command ran. */
  | { readonly kind: "interrupted"; readonly status: number };

export interface Supervision {
  readonly sight: Family["sight"];
  /** Starts the command when the run is not held, unless it is over. Resolves at the run's end. */
  start(command: Command): Promise<Finish>;
  /** Ends every process of the run; a command that has not started never will. */
  stop(): Promise<Finish>;
  /** Holds every process. */
  hold(): void;
  /** Lets them go on. */
  release(): void;
  /** Promises the guard to be heard again within that time. */
  tellAlive(within_ms: number): void;
  /** Aborted, with an exit status as its reason, by a signal to end before the command has started. */
  readonly interrupted: AbortSignal;
  /** Lets go of guard, signals and control group. */
  close(): void;
}

/** What a supervision stands on. */
export interface Ground {
  /** Where processes are read: `/proc`; elsewhere than on Linux there is none. */
  readonly proc: string;
  /** The folder of this process's control group, in which one for the run is tried; null to make none. */
  readonly own_cgroup: string | null;
  /** What processes get between being asked to end and being made to. */
  readonly grace_ms: number;
  /** How long those that were made to end may take to go before they count as left. */
  readonly kill_ms: number;
  /** Takes a line for people. */
  readonly tell: (line: string) => void;
  /** Called when this process goes on after it was held: it may be too late for the run to go on too. */
  readonly onWake: () => void;
}

/**
 * Makes all ready for a command: a control group where one can be made, a guard, and the signals.
 *
 * @throws when no guard can be started: a command without one would outlive its supervisor
 */
export async function openSupervision(ground: Ground): Promise<Supervision> {
  const { proc, own_cgroup, grace_ms, kill_ms, tell } = ground;
  const run = newRun(proc, own_cgroup);
  const family = openFamily(run);
  const patience = { grace_ms, kill_ms };
  const interrupted = new AbortController();
  const hold = openHold(family);
  const stop_asked = new AbortController();
  const stopAsked = once(stop_asked.signal, "abort").then(() => "stop" as const);
  let ending: Promise<readonly Member[]> | null = null;
  let stopping: Promise<Finish> | null = null;

  const end = () => {
    ending ??= endAll(family, patience);
    return ending;
  };
  const stop = () => {
    stopping ??= end().then((left): Finish => ({ kind: "stopped", left }));
    stop_asked.abort();
    return stopping;
  };
  const guard = await startGuard(run, patience, family, tell, () => void stop());
  // What is being ended is not held: it would take the longer.
  const holdBy = (holder: Holder) => ending === null && hold.by(holder);
  const signals = passSignals(family, {
    early: (signal) => interrupted.abort(statusOf(null, signal)),
    hold: () => holdBy("terminal"),
    release: () => {
      ground.onWake();
      hold.noMore("terminal");
    },
  });
  const interruption = once(interrupted.signal, "abort");
  let begun: Begun | null = null;

  return {
    sight: family.sight,
    start: async (command) => {
      await Promise.race([hold.open(), stopAsked, interruption]);
      if (stopping !== null) return stopping;
      if (interrupted.signal.aborted) return { kind: "interrupted", status: interrupted.signal.reason };
      const started = await startCommand(command, run, own_cgroup);
      if (started.kind === "refused") return started;
      begun = begin(started, run, family, guard);
      signals.begin();
      const status = await Promise.race([begun.exit, stopAsked]);
      if (guard.isBroken()) {
        tell("this supervisor was held for longer than its lease: its guard has ended the run");
        return await stop();
      }
      if (status === "stop") return await stop();
      const background = family.living().length;
      if (background > 0) tell(`ending what ${command.file} left running: ${countOf(background)}`);
      const left = await end();
      return stopping ?? { kind: "exited", status, background, left };
    },
    stop,
    hold: () => void holdBy("order"),
    release: () => hold.noMore("order"),
    tellAlive: guard.tellAlive,
    interrupted: interrupted.signal,
    close: () => {
      signals.end();
      begun?.close();
      // Before the guard goes: were we killed in between, nobody would.
      if (run.cgroup !== null) removeCgroup(run.cgroup);
      guard.dismiss();
    },
  };
}

/** A command that runs. */
interface Begun {
  /** Its exit status. */
  readonly exit: Promise<number>;
  /** Looks after it no more: one that cannot be ended must not keep us. */
  close(): void;
}

/** In the turn in which it started: before its end can be heard of, and its number given to another. */
function begin({ child, pid }: StartedCommand, run: Run, family: Family, guard: Guard): Begun {
  family.begin(pid);
  guard.guardLeader(pid);
  // What bears the mark in its limits is found whenever it is looked for.
  const lookout = family.sight === "proc" && run.limit_mark === null ? lookOut(family, guard) : null;
  return {
    exit: new Promise((resolve) => {
      child.once("exit", (code, signal) => resolve(statusOf(code, signal)));
    }),
    close: () => {
      lookout?.end();
      child.unref();
    },
  };
}

function newRun(proc: string, own_cgroup: string | null): Run {
  const mark = randomBytes(12).toString("hex");
  const cgroup = own_cgroup === null ? null : makeCgroup(own_cgroup, `killcord-${mark}`);
  return { proc, mark, limit_mark: markOwnLimit(), cgroup, supervisor: process.pid };
}

function countOf(processes: number): string {
  return processes === 1 ? "1 process" : `${processes} processes`;
}
