/** Who of a machine's processes belongs to a run: looked up anew each time, and remembered from then on. */
import { pidsIn } from "./cgroup.js";
import { kinOf } from "./kinship.js";
import { bearsLimit } from "./limit-mark.js";
import { hasVariable, type Process, readProcess, readProcesses } from "./processes.js";
import { mark_variable, type Run } from "./run.js";

export interface Census {
  /** The command; null before it is told. */
  leader(): Process | null;
  /** From here on there is a command. */
  begin(leader: number): void;
  /** Never of the run, whatever else is true of them. */
  setApart(pid: number): void;
  /** Processes known from what somebody else saw, by number and start. */
  remember(known: Iterable<readonly [number, number]>): void;
  known(): ReadonlyMap<number, number>;
  /** The living processes of the run. */
  kin(): readonly Process[];
}

export function openCensus(run: Run): Census {
  const { proc } = run;
  const apart = new Set([run.supervisor, process.pid]);
  const known = new Map<number, number>();
  const earliest_ticks = readProcess(proc, process.pid)?.started_ticks ?? 0;
  let leader: Process | null = null;

  const bearsMark = (pid: number) =>
    (run.limit_mark !== null && bearsLimit(proc, pid, run.limit_mark)) ||
    hasVariable(proc, pid, mark_variable, run.mark);
  return {
    leader: () => leader,
    begin: (pid) => {
      leader = readProcess(proc, pid);
    },
    setApart: (pid) => void apart.add(pid),
    remember: (more) => {
      for (const [pid, started_ticks] of more) known.set(pid, started_ticks);
    },
    known: () => known,
    kin: () => {
      const traces = {
        leader: leader?.pid ?? null,
        since_ticks: leader?.started_ticks ?? earliest_ticks,
        known,
        grouped: new Set(run.cgroup === null ? [] : pidsIn(run.cgroup)),
        apart,
        supervisor: run.supervisor,
      };
      const found = kinOf(readProcesses(proc) ?? [], traces, bearsMark);
      known.clear();
      for (const { pid, started_ticks } of found) known.set(pid, started_ticks);
      return found;
    },
  };
}
