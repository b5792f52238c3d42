/** `default`: the budgets of sessions that bring none. */
import type { Compiled } from "./action.js";
import { Conditions } from "./conditions.js";
import type { PolicyDocument } from "./document.js";
import { PolicyError } from "./error.js";
import { readLimits, readWhose, type SessionLimits, type Whose } from "./session-limits.js";

export interface Default extends Whose {
  readonly limits: SessionLimits;
  readonly on_exceeded: "terminate" | "pause";
  readonly warn_at_percent: readonly number[];
}

/** @throws {PolicyError} */
export function defaultOf(document: PolicyDocument): Default {
  if (document.decision !== "allow") {
    throw new PolicyError("/decision", "must be allow: a default refuses nothing, it gives budgets");
  }
  if (document.action_types.length > 0) {
    throw new PolicyError("/action_types", "must be left out: a default is about sessions, whatever they do");
  }
  const conditions = Conditions.of(document);
  const whose = readWhose(conditions);
  const { read, members } = readLimits(conditions);
  const on_exceeded = members.choice("on_exceeded", ["terminate", "pause"], "terminate");
  const warn_at_percent = percentsOf(members);
  members.end();
  conditions.end();
  return { ...whose, limits: read, on_exceeded, warn_at_percent };
}

export function compileDefault(document: PolicyDocument): Compiled {
  defaultOf(document);
  return { reads_text: false, judge: () => null };
}

/** @throws {PolicyError} */
function percentsOf(members: Conditions): readonly number[] {
  const value = members.value("warn_at_percent");
  if (value === null && !members.has("warn_at_percent")) {
    return [];
  }
  const is_percent = (each: unknown) =>
    typeof each === "number" && Number.isInteger(each) && each >= 1 && each <= 99;
  if (!Array.isArray(value) || value.length > 8 || !value.every(is_percent)) {
    throw new PolicyError(members.at("warn_at_percent"), "must be at most 8 whole numbers from 1 to 99");
  }
  return [...new Set(value as readonly number[])].sort((a, b) => a - b);
}
