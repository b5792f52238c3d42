/** `window`: limits over all sessions of an agent, of a label or of the workspace, by the calendar. */
import { limits } from "../../limits.js";
import { printUsd } from "../money.js";
import type { ActionContext, Compiled, Finding } from "./action.js";
import { isZone, type Period, periodStart, quarter_ms } from "./calendar.js";
import { Conditions } from "./conditions.js";
import { hasRoom, type Kept } from "./counter.js";
import type { Counting } from "./counting.js";
import type { PolicyDocument } from "./document.js";
import { PolicyError } from "./error.js";
import { matches } from "./glob.js";
import { addCell, addNewest, dropCells, no_sums, type Sums, settleCell, sumOlder } from "./quarters.js";
import { isAbout } from "./rate.js";
import { costOf } from "./session-limits.js";
import { keyOf, nameOfKey, type Who, whoIn } from "./who.js";

interface Window {
  readonly by: "agent" | "label" | "workspace";
  /** A glob of the agent's id or the label; null: any, and each by itself. */
  readonly value: string | null;
  readonly period: Period;
  readonly zone: string;
  readonly max_actions: number | null;
  readonly max_tokens: number | null;
  readonly max_cost_usd_micros: number | null;
}

/** How long something may count: the longest period, and what a change of clocks adds to it. */
const horizons_ms: Readonly<Record<Period, number>> = {
  hour: 2 * 3_600_000,
  day: 50 * 3_600_000,
  month: 33 * 24 * 3_600_000,
};

/** @throws {PolicyError} */
function windowOf(document: PolicyDocument): Window {
  const conditions = Conditions.of(document);
  const by = conditions.choice("by", ["agent", "label", "workspace"]);
  const value = conditions.has("value") ? conditions.text("value", limits.policy_glob_characters) : null;
  if (by === "workspace" && value !== null) {
    throw new PolicyError(
      conditions.at("value"),
      "must be left out with by: workspace, of which there is one",
    );
  }
  const period = conditions.choice("period", ["hour", "day", "month"]);
  const zone = conditions.has("zone") ? conditions.text("zone", 64) : "UTC";
  if (!isZone(zone)) {
    throw new PolicyError(
      conditions.at("zone"),
      "must be a zone of the IANA database, like Europe/Berlin or UTC",
    );
  }
  const amount = (name: string) =>
    conditions.has(name) ? conditions.integer(name, 0, Number.MAX_SAFE_INTEGER) : null;
  const max_actions = amount("max_actions");
  const max_tokens = amount("max_tokens");
  const max_cost_usd_micros = costOf(conditions);
  if (max_actions === null && max_tokens === null && max_cost_usd_micros === null) {
    throw new PolicyError("/conditions", "must have max_actions, max_tokens or max_cost_usd");
  }
  conditions.end();
  return { by, value, period, zone, max_actions, max_tokens, max_cost_usd_micros };
}

/**
 * What an action asks for must fit beside what the window has spent; where only open reservations are
 * in the way, it is blocked, whatever the policy would do, since they may come back.
 */
export function compileWindow(document: PolicyDocument): Compiled {
  const window = windowOf(document);
  const { by, value, period } = window;
  const { policy_id, decision } = document;
  const sums = memo(window);
  return {
    reads_text: false,
    judge: (context) => {
      const counter = context.counters.by_policy.get(policy_id);
      const who = whoIn(context);
      // The agent that it names says which window; whose count that is, is another question.
      if (counter === undefined || !isWithin(by, value, context)) {
        return null;
      }
      const kept = counter.keys.get(keyOf(by, who));
      if (kept === undefined && !hasRoom(context.counters, counter, horizons_ms[period], context.at)) {
        return { reason: `there are too many to count for each by itself (${by}), so it is refused` };
      }
      const used = kept === undefined ? no_sums : sums(kept, context.at);
      const found = judgeUnits(window, used, context, nameOfKey(by, who));
      // What waits for money that may come back stops no run, and where only a warning was meant it is one.
      return found?.decision === "block" && decision === "allow" ? { reason: found.reason } : found;
    },
  };
}

function judgeUnits(window: Window, used: Sums, context: ActionContext, whose: string): Finding | null {
  const { cost, estimate, asked_before } = context;
  const asked = cost ?? estimate ?? { tokens: 0, cost_usd_micros: 0 };
  const rest = `of ${whose} this ${window.period} (${window.zone})`;
  const { max_actions, max_tokens, max_cost_usd_micros } = window;
  if (max_actions !== null && used.actions + (asked_before === true ? 0 : 1) > max_actions) {
    return { reason: `all ${max_actions} actions ${rest} are used` };
  }
  if (max_tokens !== null && used.tokens + asked.tokens > max_tokens) {
    return {
      reason: `${used.tokens} of ${max_tokens} tokens ${rest} are used, and it asks for ${asked.tokens}`,
    };
  }
  if (max_cost_usd_micros !== null && used.cost_usd_micros + asked.cost_usd_micros > max_cost_usd_micros) {
    const [spent, limit, more] = [used.cost_usd_micros, max_cost_usd_micros, asked.cost_usd_micros].map(
      printUsd,
    );
    return { reason: `${spent} of ${limit} USD ${rest} are spent, and it asks for ${more}` };
  }
  if (
    (max_tokens !== null && used.tokens + used.held_tokens + asked.tokens > max_tokens && asked.tokens > 0) ||
    (max_cost_usd_micros !== null &&
      used.cost_usd_micros + used.held_cost_usd_micros + asked.cost_usd_micros > max_cost_usd_micros &&
      asked.cost_usd_micros > 0)
  ) {
    return { reason: `reservations that are not settled yet hold the rest ${rest}`, decision: "block" };
  }
  return null;
}

function isWithin(
  by: Window["by"],
  value: string | null,
  { agent_id, label }: Pick<Who, "agent_id" | "label">,
): boolean {
  const id = by === "agent" ? agent_id : label;
  return value === null || (id !== null && matches(value, id));
}

/** The sums of all cells of a window but the newest, and what they depend on. */
interface Remembered {
  readonly from: number;
  readonly tally: number;
  readonly sums: Sums;
}

/**
 * The sums of the present window. Those of its older cells are remembered between actions, so that each
 * action costs the same however long the window is. Only what can be computed anew is remembered.
 */
function memo({ zone, period }: Window): (kept: Kept, at: number) => Sums {
  const remembered = new WeakMap<Kept, Remembered>();
  let quarter = -1;
  let from = 0;
  return (kept, at) => {
    const now = Math.floor(at / quarter_ms);
    if (now !== quarter) {
      quarter = now;
      from = periodStart(zone, period, at);
    }
    const { numbers, tally } = kept;
    let older = remembered.get(kept);
    if (older?.from !== from || older.tally !== tally) {
      older = { from, tally, sums: sumOlder(numbers, from) };
      remembered.set(kept, older);
    }
    return addNewest(older.sums, numbers, from);
  };
}

export function countWindow(document: PolicyDocument): Counting {
  const { by, value, period } = windowOf(document);
  const { action_types, policy_id } = document;
  const horizon_ms = horizons_ms[period];
  return {
    what: JSON.stringify(["window", by, value, [...action_types].sort()]),
    by,
    horizon_ms,
    isAbout: (action_type) => isAbout(action_types, action_type),
    isCounted: ({ is_action, charge, reservation, who, triggered, verdict }) =>
      (is_action || charge !== null || reservation !== null) &&
      isWithin(by, value, who) &&
      // What the window itself refused has used nothing of it: a raised limit is not eaten by waiting.
      (verdict === "allow" || !triggered.some((each) => each.policy_id === policy_id)),
    add: (kept, { at, is_action, charge, reservation }, may_grow) => {
      const { numbers } = kept;
      const dropped = dropCells(numbers, at - horizon_ms);
      if (addCell(numbers, at, { actions: is_action ? 1 : 0, charge, reservation }, may_grow) || dropped) {
        kept.tally += 1;
      }
    },
    settle: (kept, held, actual, at) => {
      if (settleCell(kept.numbers, held, actual, held.at + horizon_ms <= at)) {
        kept.tally += 1;
      }
    },
  };
}
