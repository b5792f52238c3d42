/** What a supervisor and its guard both know of a run before its command starts. */

/** The variable that marks the processes of a run, in their environment; runs within runs add their own. */
export const mark_variable = "KILLCORD_RUN_ID";

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
