/** How an operator learns that the newest checkpoint lacks its witnesses: in the log, in /readyz, in figures. */
import type { Logger } from "pino";
import type { CheckpointFigures } from "../services/checkpoint-metrics.js";
import type { Warning } from "../services/door.js";
import type { Publication } from "../vault/publication.js";
import type { WitnessState } from "../vault/witnesses.js";

/** Says that the newest checkpoint is not witnessed, and that it is again: once each, not every second. */
export function alarm(log: Logger): (state: WitnessState) => void {
  let was_witnessed = true;
  return ({ size, quorum, witnessed, answers }) => {
    if (witnessed !== was_witnessed) {
      const missing = answers.flatMap((each) => (each.signed ? [] : [`${each.name}: ${each.why}`]));
      const told = { size, quorum, signed: answers.length - missing.length, missing };
      if (witnessed) {
        log.info(told, "the newest checkpoint is witnessed again");
      } else {
        log.error(told, "the newest checkpoint is unwitnessed: it is sealed, and not shown");
      }
    }
    was_witnessed = witnessed;
  };
}

/** For /readyz: commands are taken all the same. */
export function warningsOf(state: WitnessState | null): readonly Warning[] {
  if (state === null || state.witnessed) {
    return [];
  }
  const signed = state.answers.filter((each) => each.signed).length;
  const message = `the checkpoint at ${state.size} entries is unwitnessed: ${signed} of ${state.quorum} witnesses have signed it, and it is not shown`;
  return [{ code: "unwitnessed", message }];
}

export function checkpointsOf(
  publication: Pick<Publication, "signed" | "published">,
  state: WitnessState | null,
): CheckpointFigures {
  return {
    signed_entries: publication.signed.size,
    shown_entries: publication.published?.size ?? 0,
    unwitnessed: state !== null && !state.witnessed,
    witnesses: new Map(state?.answers.map(({ name, signed }) => [name, signed])),
  };
}
