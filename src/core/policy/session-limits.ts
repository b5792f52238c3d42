/** The limits of a session, as policies give and bound them. */
import { limits } from "../../limits.js";
import { Conditions } from "./conditions.js";
import type { JsonObject } from "./document.js";
import { PolicyError } from "./error.js";
import { matches } from "./glob.js";
import { microsOf } from "./money.js";
import type { Who } from "./who.js";

/** Null: no limit. */
export interface SessionLimits {
  readonly max_actions: number | null;
  readonly max_tokens: number | null;
  readonly max_cost_usd_micros: number | null;
  readonly ttl_seconds: number | null;
  readonly idle_timeout_seconds: number | null;
  readonly max_depth: number | null;
  readonly max_concurrent: number | null;
}

export type LimitName = keyof SessionLimits;

/** As requests name them; the rest are named as they are. */
export function limitName(name: LimitName): string {
  return name === "max_cost_usd_micros" ? "max_cost_usd" : name;
}

export const limit_names: readonly LimitName[] = [
  "max_actions",
  "max_tokens",
  "max_cost_usd_micros",
  "ttl_seconds",
  "idle_timeout_seconds",
  "max_depth",
  "max_concurrent",
];

/**
 * The member `budgets` of a policy's conditions, its limits read.
 *
 * @returns also the reader, for what else a type has there
 * @throws {PolicyError}
 */
export function readLimits(conditions: Conditions): { read: SessionLimits; members: Conditions } {
  const value = conditions.value("budgets");
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new PolicyError(
      conditions.at("budgets"),
      "must be an object with limits, like { max_actions: 500 }",
    );
  }
  const members = new Conditions(value as JsonObject, conditions.at("budgets"));
  const whole = (name: string, min: number, max: number) =>
    members.has(name) ? members.integer(name, min, max) : null;
  const read = {
    max_actions: whole("max_actions", 0, Number.MAX_SAFE_INTEGER),
    max_tokens: whole("max_tokens", 0, Number.MAX_SAFE_INTEGER),
    max_cost_usd_micros: costOf(members),
    ttl_seconds: whole("ttl_seconds", 1, limits.session_seconds_max),
    idle_timeout_seconds: whole("idle_timeout_seconds", 1, limits.session_seconds_max),
    max_depth: whole("max_depth", 1, limits.session_levels),
    max_concurrent: whole("max_concurrent", 1, limits.max_concurrent_max),
  };
  if (Object.values(read).every((limit) => limit === null)) {
    throw new PolicyError(
      conditions.at("budgets"),
      `must have at least one limit: ${limit_names.map(limitName).join(", ")}`,
    );
  }
  return { read, members };
}

/**
 * The member max_cost_usd, in micro-USD; null when it is left out.
 *
 * @throws {PolicyError}
 */
export function costOf(members: Conditions): number | null {
  if (!members.has("max_cost_usd")) {
    return null;
  }
  const micros = microsOf(members.value("max_cost_usd"));
  if (micros === null) {
    throw new PolicyError(
      members.at("max_cost_usd"),
      'must be an amount of USD from 0 to 9007199254.740991, not finer than six places, like "12.50"',
    );
  }
  return micros;
}

/** Which sessions a policy is about: globs of the agent's id and of the label; left out: any. */
export interface Whose {
  readonly agent: string | null;
  readonly label: string | null;
}

/** @throws {PolicyError} */
export function readWhose(conditions: Conditions): Whose {
  const glob = (name: string) =>
    conditions.has(name) ? conditions.text(name, limits.policy_glob_characters) : null;
  return { agent: glob("agent"), label: glob("label") };
}

export function isWhose(whose: Whose, { agent_id, label }: Pick<Who, "agent_id" | "label">): boolean {
  return isMatch(whose.agent, agent_id) && isMatch(whose.label, label);
}

function isMatch(glob: string | null, id: string | null): boolean {
  return glob === null || (id !== null && matches(glob, id));
}
