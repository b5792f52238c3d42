/** Which of a machine's processes belong to a run: the rules, without the looking. */
import { isAlive, type Process } from "./processes.js";

/** What is known of a run. */
export interface Traces {
  /** The command's number, which is that of its session and its group too; null before it is told. */
  readonly leader: number | null;
  /** What began before is none of the run, in clock ticks: the command's start, or one before it. */
  readonly since_ticks: number;
  /** Processes that belonged to the run when they were last seen, by number and start. */
  readonly known: ReadonlyMap<number, number>;
  /** Those that a control group names. */
  readonly grouped: ReadonlySet<number>;
  /** The supervisor and its guard: never of the run, whatever else is true of them. */
  readonly apart: ReadonlySet<number>;
  /** The process whose orphans come to it, were it init: all its children but those apart are of the run. */
  readonly supervisor: number;
}

/**
 * The living processes of a run: those in the command's session or group, in its control group, those
 * known from before, those that bear its mark, and all that descend from any of them. A process that
 * began before the command is never one: no neighbour is hit, whatever its number.
 *
 * @param bearsMark asked last, as it is the dearest question
 */
export function kinOf(
  processes: readonly Process[],
  traces: Traces,
  bearsMark: (pid: number) => boolean,
): readonly Process[] {
  const { leader, since_ticks, known, grouped, apart, supervisor } = traces;
  const later = processes.filter(
    (each) => each.started_ticks >= since_ticks && !apart.has(each.pid) && isAlive(each),
  );
  const children = new Map<number, Process[]>();
  for (const each of later) {
    const siblings = children.get(each.parent);
    if (siblings === undefined) children.set(each.parent, [each]);
    else siblings.push(each);
  }
  const kin = new Map<number, Process>();
  const add = (process: Process): void => {
    const waiting = [process];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (kin.has(next.pid)) continue;
      kin.set(next.pid, next);
      waiting.push(...(children.get(next.pid) ?? []));
    }
  };
  for (const each of later) {
    const is_near =
      leader !== null && (each.session === leader || each.group === leader || each.parent === supervisor);
    if (is_near || grouped.has(each.pid) || known.get(each.pid) === each.started_ticks) add(each);
  }
  for (const each of later) {
    if (!kin.has(each.pid) && bearsMark(each.pid)) add(each);
  }
  return [...kin.values()];
}
