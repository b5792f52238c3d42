/** What a supervisor tells its guard: one JSON document a line. The guard answers each with `ok`. */
import type { Patience } from "./ending.js";
import type { Run } from "./run.js";

export type GuardWord =
  /** First: what is to be guarded. */
  | { readonly kind: "run"; readonly run: Run; readonly patience: Patience }
  /** The command has started. */
  | { readonly kind: "leader"; readonly pid: number }
  /** Processes that were seen to belong to the run, by number and start. */
  | { readonly kind: "known"; readonly known: readonly (readonly [number, number])[] }
  /** The supervisor will be heard again within this time; without this word it may be silent for ever. */
  | { readonly kind: "alive"; readonly within_ms: number }
  /** Nothing is left to guard. */
  | { readonly kind: "over" };

/** The exit status of a guard that ended the run because its supervisor fell silent. */
export const status_silence = 75;
