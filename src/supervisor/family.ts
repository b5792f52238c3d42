/**
 * The processes of one run, found and signalled by what this system offers: a control group and /proc,
 * /proc alone, or, elsewhere, the process group of the command and nothing beyond it.
 */
import { freezeCgroup, isPopulated, killCgroup, pidsIn } from "./cgroup.js";
import { kinOf } from "./kinship.js";
import { bearsLimit } from "./limit-mark.js";
import { hasVariable, type Process, readProcess, readProcesses } from "./processes.js";

/** The variable that marks the processes of a run, in their environment; runs within runs add their own. */
export const mark_variable = "KILLCORD_RUN_ID";

/** What a supervisor and its guard both know of a run before its command starts. */
export interface Run {
  /** Where processes are read; `/proc` but in tests. */
  readonly proc: string;
  /** Unlike that of any other run, in the environment of its processes. */
  readonly mark: string;
  /** The mark in their limits; null without one. */
  readonly limit_mark: number | null;
  /** The folder of its control group; null without one. */
  readonly cgroup: string | null;
  /** The supervisor's number; in its guard -1, as the number of the dead may be given again. */
  readonly supervisor: number;
}

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
  const apart = new Set([run.supervisor, process.pid]);
  const known = new Map<number, number>();
  let leader: Process | null = null;
  let held: ReadonlyMap<number, number> = new Map();

  const earliest_ticks = readProcess(run.proc, process.pid)?.started_ticks ?? 0;

  const bearsMark = (pid: number) =>
    (run.limit_mark !== null && bearsLimit(run.proc, pid, run.limit_mark)) ||
    hasVariable(run.proc, pid, mark_variable, run.mark);
  const kin = (): readonly Process[] => {
    const traces = {
      leader: leader?.pid ?? null,
      since_ticks: leader?.started_ticks ?? earliest_ticks,
      known,
      grouped: new Set(run.cgroup === null ? [] : pidsIn(run.cgroup)),
      apart,
      supervisor: run.supervisor,
    };
    const found = kinOf(readProcesses(run.proc) ?? [], traces, bearsMark);
    known.clear();
    for (const { pid, started_ticks } of found) known.set(pid, started_ticks);
    return found;
  };
  const inGroup = () => kin().filter(({ group }) => group === leader?.pid);
  const signalAll = (signal: NodeJS.Signals) => {
    for (const { pid } of kin()) send(pid, signal);
  };
  /**
   * Stops what is found until nothing new is: what is stopped starts nothing, and stays its children's
   * parent. Gives those that it stopped itself, by number and start.
   */
  const stopAll = (spared: ReadonlySet<number> = new Set()): ReadonlyMap<number, number> => {
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
  };
  return {
    sight: run.cgroup === null ? "proc" : "cgroup",
    setApart: (pid) => void apart.add(pid),
    begin: (pid) => {
      leader = readProcess(run.proc, pid);
    },
    remember: (more) => {
      for (const [pid, started_ticks] of more) known.set(pid, started_ticks);
    },
    known: () => known,
    living: () => {
      const found = kin();
      if (found.length > 0 || run.cgroup === null || !isPopulated(run.cgroup)) return found;
      // In the group and not to be seen: of another name space of numbers.
      return [{ pid: 0, state: "?" }];
    },
    signalLeader: (signal) => {
      if (leader !== null && readProcess(run.proc, leader.pid)?.started_ticks === leader.started_ticks) {
        send(leader.pid, signal);
      }
    },
    signalGroup: (signal) => {
      // Only a group of which somebody lives has kept its number.
      if (leader !== null && inGroup().length > 0) send(-leader.pid, signal);
    },
    signalAll,
    kill: () => {
      if (run.cgroup !== null) killCgroup(run.cgroup);
      if (leader !== null && inGroup().length > 0) send(-leader.pid, "SIGKILL");
      stopAll();
      signalAll("SIGKILL");
    },
    hold: () => {
      if (run.cgroup !== null) freezeCgroup(run.cgroup, true);
      const frozen = new Set(run.cgroup === null ? [] : pidsIn(run.cgroup));
      held = new Map([...held, ...stopAll(frozen)]);
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
