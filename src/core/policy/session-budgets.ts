/** What policies make of the budgets that a new session asks for, and of those that one is to be raised to. */

import { printUsd } from "../money.js";
import { ceilingOf } from "./ceiling.js";
import { defaultOf } from "./default.js";
import { byPrecedence, type Policy } from "./policy.js";
import { isWhose, type LimitName, limit_names, limitName, type SessionLimits } from "./session-limits.js";
import type { Who } from "./who.js";

/** What a session asks for. */
export interface Asked extends SessionLimits {
  readonly on_exceeded: "terminate" | "pause";
  readonly warn_at_percent: readonly number[];
}

/** A policy that had a say in a session's budgets, as it is sealed. */
export interface BudgetPolicy {
  readonly policy_id: string;
  readonly name: string;
  readonly policy_type: string;
  readonly version: number;
  /** `shadow`: what it would have done. */
  readonly mode: "live" | "shadow";
  /** For people. */
  readonly effect: string;
}

export interface Given {
  readonly budgets: Asked;
  readonly policies: readonly BudgetPolicy[];
}

/** What a policy refuses, for people. */
export interface Above {
  readonly refused: string;
}

type Session = Pick<Who, "agent_id" | "label">;

/**
 * The budgets of a new session. One that brings none gets those of the first default that is about it;
 * then each ceiling bounds what is above it or without a limit, or refuses what asks for more.
 */
export function givenBudgets(
  policies: ReadonlyMap<string, Policy>,
  session: Session,
  asked: Asked,
): Given | Above {
  const said: BudgetPolicy[] = [];
  let budgets = bringsNone(asked) ? withDefault(policies, session, asked, said) : asked;
  for (const policy of inForce(policies, "ceiling")) {
    const { above, limits, ...whose } = ceilingOf(policy.document);
    const passed = isWhose(whose, session)
      ? limit_names.filter((name) => isAbove(budgets[name], limits[name]))
      : [];
    if (passed.length === 0) {
      continue;
    }
    const asks = passed.find((name) => asked[name] !== null && isAbove(asked[name], limits[name]));
    const refuses = above === "refuse" && asks !== undefined;
    const effect = refuses
      ? `${limitText(asks, asked[asks])} is above the ceiling of ${limitText(asks, limits[asks])}`
      : passed
          .map((name) => `${limitText(name, limits[name])} instead of ${amountText(name, budgets[name])}`)
          .join(", ");
    if (policy.document.mode === "live" && refuses) {
      return { refused: `${effect}: policy ${JSON.stringify(policy.document.name)}` };
    }
    said.push(saysOf(policy, effect));
    if (policy.document.mode === "live") {
      budgets = { ...budgets, ...Object.fromEntries(passed.map((name) => [name, limits[name]])) };
    }
  }
  return { budgets, policies: said };
}

/** Why no session may be raised to a limit; null when it may. */
export function ceilingBelow(
  policies: ReadonlyMap<string, Policy>,
  session: Session,
  name: LimitName,
  to: number,
): string | null {
  for (const { document } of inForce(policies, "ceiling")) {
    const { limits, ...whose } = ceilingOf(document);
    if (document.mode === "live" && isWhose(whose, session) && isAbove(to, limits[name])) {
      return `${limitText(name, to)} is above the ceiling of ${limitText(name, limits[name])}: policy ${JSON.stringify(document.name)}`;
    }
  }
  return null;
}

function withDefault(
  policies: ReadonlyMap<string, Policy>,
  session: Session,
  asked: Asked,
  said: BudgetPolicy[],
): Asked {
  for (const policy of inForce(policies, "default")) {
    const { limits, on_exceeded, warn_at_percent, ...whose } = defaultOf(policy.document);
    if (!isWhose(whose, session)) {
      continue;
    }
    const given = limit_names.filter((name) => limits[name] !== null);
    said.push(saysOf(policy, given.map((name) => limitText(name, limits[name])).join(", ")));
    if (policy.document.mode === "live") {
      // What the session did say of depth and of how many at once stays.
      const { max_depth, max_concurrent } = asked;
      return {
        ...limits,
        max_depth: max_depth ?? limits.max_depth,
        max_concurrent: max_concurrent ?? limits.max_concurrent,
        on_exceeded,
        warn_at_percent: asked.warn_at_percent.length > 0 ? asked.warn_at_percent : warn_at_percent,
      };
    }
  }
  return asked;
}

/** Whether a session has no amount and no time to run out of. */
export function bringsNone(asked: Asked): boolean {
  const { max_actions, max_tokens, max_cost_usd_micros, ttl_seconds, idle_timeout_seconds } = asked;
  const budgets = [max_actions, max_tokens, max_cost_usd_micros, ttl_seconds, idle_timeout_seconds];
  return budgets.every((budget) => budget === null);
}

function isAbove(limit: number | null, ceiling: number | null): boolean {
  return ceiling !== null && (limit === null || limit > ceiling);
}

/** Policies of a type that are enabled, in the order in which they are judged. */
function inForce(policies: ReadonlyMap<string, Policy>, policy_type: string): readonly Policy[] {
  return [...policies.values()]
    .filter(({ document }) => document.enabled && document.policy_type === policy_type)
    .sort(byPrecedence);
}

function saysOf({ document, version }: Policy, effect: string): BudgetPolicy {
  const { policy_id, name, policy_type, mode } = document;
  return { policy_id, name, policy_type, version, mode, effect };
}

function limitText(name: LimitName, limit: number | null): string {
  return `${limitName(name)} ${amountText(name, limit)}`;
}

function amountText(name: LimitName, limit: number | null): string {
  return limit === null ? "no limit" : name === "max_cost_usd_micros" ? printUsd(limit) : String(limit);
}
