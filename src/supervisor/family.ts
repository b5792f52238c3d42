/**
 * The processes of one run, found and signalled by what this system offers: a control group and /proc,
 * /proc alone, or, elsewhere, the process group of the command and nothing beyond it.
 */

import { type Census, openCensus } from "./census.js";
import { freezeCgroup, isPopulated, killCgroup, pidsIn } from "./cgroup.js";
import { readProcess, readProcesses } from "./processes.js";
import type { Run } from "./run.js";

/** One process that lives. Its state is `?` where only that somebody lives can be seen. */
export interface Member {
  readonly pid: number;
  readonly state: string;
}

export interface Family {
  /** How far it sees: see docs/supervisor.md. */
  readonly sight: "cgroup" | "proc" | "group";
  /** Processes that are the supervisor's own: its guard. */
  setApart(pid: number): void;
  /** From here on there is a command. */
  begin(leader: number): void;
  /** Processes known from what somebody else saw, by number and start. */
  remember(known: Iterable<readonly [number, number]>): void;
  /** Those that are remembered. */
  known(): ReadonlyMap<number, number>;
  /** Who lives, looked up now. What is found is remembered. */
  living(): readonly Member[];
  /** Sends a signal to the command alone. */
  signalLeader(signal: NodeJS.Signals): void;
  /** Sends a signal to the command's process group, as a terminal does. */
  signalGroup(signal: NodeJS.Signals): void;
  /** Sends a signal to every process. */
  signalAll(signal: NodeJS.Signals): void;
  /** Ends every process, as far as this one may. What starts meanwhile is found by doing it again. */
  kill(): void;
  /** Holds every process where it is, also those that start meanwhile. */
  hold(): void;
  /** Lets those go on that were held by this. */
  release(): void;
}

/** Rounds in which new processes are looked for while those that are known are held. */
const rounds_max = 16;

export function openFamily(run: Run): Family {
  return readProcesses(run.proc) === null ? groupOnly() : throughProc(run);
}

function throughProc(run: Run): Family {
  const census = openCensus(run);
  const { kin } = census;
  let held: ReadonlyMap<number, number> = new Map();
  const signalAll = (signal: NodeJS.Signals) => {
    for (const { pid } of kin()) send(pid, signal);
  };
  const signalGroup = (signal: NodeJS.Signals) => {
    const leader = census.leader();
    // Only a group of which somebody lives has kept its number.
    if (leader !== null && kin().some(({ group }) => group === leader.pid)) send(-leader.pid, signal);
  };
  return {
    sight: run.cgroup === null ? "proc" : "cgroup",
    setApart: census.setApart,
    begin: census.begin,
    remember: census.remember,
    known: census.known,
    living: () => {
      const found = kin();
      if (found.length > 0 || run.cgroup === null || !isPopulated(run.cgroup)) return found;
      // In the group and not to be seen: of another name space of numbers.
      return [{ pid: 0, state: "?" }];
    },
    signalLeader: (signal) => {
      const leader = census.leader();
      if (leader !== null && readProcess(run.proc, leader.pid)?.started_ticks === leader.started_ticks) {
        send(leader.pid, signal);
      }
    },
    signalGroup,
    signalAll,
    kill: () => {
      if (run.cgroup !== null) killCgroup(run.cgroup);
      signalGroup("SIGKILL");
      stopAll(kin, new Set());
      signalAll("SIGKILL");
    },
    hold: () => {
      if (run.cgroup !== null) freezeCgroup(run.cgroup, true);
      const frozen = new Set(run.cgroup === null ? [] : pidsIn(run.cgroup));
      held = new Map([...held, ...stopAll(kin, frozen)]);
    },
    release: () => {
      for (const { pid, started_ticks } of kin()) {
        if (held.get(pid) === started_ticks) send(pid, "SIGCONT");
      }
      held = new Map();
      if (run.cgroup !== null) freezeCgroup(run.cgroup, false);
    },
  };
}

/**
 * Stops what is found until nothing new is: what is stopped starts nothing, and stays its children's
 * parent. Gives those that it stopped itself, by number and start.
 */
function stopAll(kin: Census["kin"], spared: ReadonlySet<number>): ReadonlyMap<number, number> {
  const seen = new Set<number>(spared);
  const stopped = new Map<number, number>();
  for (let round = 0; round < rounds_max; round++) {
    const found = kin().filter(({ pid }) => !seen.has(pid));
    if (found.length === 0) break;
    for (const { pid, state, started_ticks } of found) {
      seen.add(pid);
      if (state === "T") continue;
      send(pid, "SIGSTOP");
      stopped.set(pid, started_ticks);
    }
  }
  return stopped;
}

function groupOnly(): Family {
  let leader: number | null = null;
  const group = (signal: NodeJS.Signals) => {
    if (leader !== null) send(-leader, signal);
  };
  return {
    sight: "group",
    setApart: () => {},
    begin: (pid) => {
      leader = pid;
    },
    remember: () => {},
    known: () => new Map(),
    living: () => (leader === null || !send(-leader, 0) ? [] : [{ pid: leader, state: "?" }]),
    signalLeader: (signal) => {
      if (leader !== null) send(leader, signal);
    },
    signalGroup: group,
    signalAll: group,
    kill: () => group("SIGKILL"),
    hold: () => group("SIGSTOP"),
    release: () => group("SIGCONT"),
  };
}

/** Sends a signal; false when nobody is there. Who is there and may not be signalled is there. */
function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
