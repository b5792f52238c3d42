/** `ceiling`: budgets that no session may pass, whatever it asks for. */
import type { Compiled } from "./action.js";
import { Conditions } from "./conditions.js";
import type { PolicyDocument } from "./document.js";
import { PolicyError } from "./error.js";
import { readLimits, readWhose, type SessionLimits, type Whose } from "./session-limits.js";

export interface Ceiling extends Whose {
  readonly limits: SessionLimits;
  /** What becomes of a start that asks for more: it is cut down, or refused. */
  readonly above: "cut" | "refuse";
}

/** @throws {PolicyError} */
export function ceilingOf(document: PolicyDocument): Ceiling {
  if (document.decision !== "allow" && document.decision !== "block") {
    throw new PolicyError(
      "/decision",
      "must be allow, which cuts a session that asks for more down to the ceiling, or block, which refuses it",
    );
  }
  if (document.action_types.length > 0) {
    throw new PolicyError("/action_types", "must be left out: a ceiling is about sessions, whatever they do");
  }
  const conditions = Conditions.of(document);
  const whose = readWhose(conditions);
  const { read, members } = readLimits(conditions);
  members.end();
  conditions.end();
  return { ...whose, limits: read, above: document.decision === "allow" ? "cut" : "refuse" };
}

export function compileCeiling(document: PolicyDocument): Compiled {
  ceilingOf(document);
  return { reads_text: false, judge: () => null };
}
