import type { Logger } from "pino";
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
