/** `cel`: an expression in CEL that is true of the actions that the policy is about. */
import { celMap } from "@bufbuild/cel";
import { limits } from "../../limits.js";
import type { ActionContext, BudgetContext, Compiled } from "./action.js";
import { isZone, minuteOfWeek } from "./calendar.js";
import { text_root } from "./cel-measure.js";
import { type Amount, type Bindings, compileProgram } from "./cel-program.js";
import { Conditions } from "./conditions.js";
import type { Json, PolicyDocument } from "./document.js";
import { PolicyError } from "./error.js";

const roots = ["action", "metadata", "agent", "label", "session", "budget", "time"] as const;

/** What is left where there is no limit: the largest int of CEL. */
const unlimited = 2n ** 63n - 1n;

const days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

/** An expression without an answer, for want of a member or for its types, is a failure: it refuses. */
export function compileCel(document: PolicyDocument): Compiled {
  const conditions = Conditions.of(document);
  const path = conditions.at("expression");
  const program = compileProgram(conditions.text("expression", limits.cel_characters), roots, path);
  const zone = conditions.has("zone") ? conditions.text("zone", 64) : "UTC";
  conditions.end();
  if (!isZone(zone)) {
    throw new PolicyError(conditions.at("zone"), `${JSON.stringify(zone)} is no zone of the IANA database`);
  }
  const found = { reason: "its expression is true of this action" };
  const tells_time = program.reads.has("time");
  const reads_text = program.reads.has(text_root);
  return {
    reads_text,
    judge: (context) => {
      const common = commonOf(context);
      const bindings = tells_time ? { ...common, time: bound(timeIn(zone, context.at)) } : common;
      return program.run(bindings, amountOf(context, reads_text), context.work) ? found : null;
    },
  };
}

/** Made once for all expressions that judge one action. */
const made = new WeakMap<ActionContext, { readonly bindings: Bindings; readonly metadata: Amount }>();

function madeOf(context: ActionContext) {
  let kept = made.get(context);
  if (kept === undefined) {
    kept = { bindings: bindingsOf(context), metadata: sizeOf(context.metadata) };
    made.set(context, kept);
  }
  return kept;
}

function commonOf(context: ActionContext): Bindings {
  return madeOf(context).bindings;
}

function amountOf(context: ActionContext, reads_text: boolean): Amount {
  const { values, characters } = madeOf(context).metadata;
  return { values, characters: characters + (reads_text ? (context.content?.length ?? 0) : 0) };
}

function bindingsOf(context: ActionContext): Bindings {
  const { action_type, content, metadata, agent_id, label, session, cost, estimate, at } = context;
  const asked = cost ?? estimate;
  return {
    action: bound({
      type: action_type,
      content: content ?? "",
      has_content: content !== null,
      tokens: BigInt(asked?.tokens ?? 0),
      cost_usd_micros: BigInt(asked?.cost_usd_micros ?? 0),
    }),
    metadata: bound(metadata ?? {}),
    agent: agent_id ?? "",
    label: label ?? "",
    session:
      session === null
        ? null
        : bound({
            id: session.session_id,
            level: BigInt(session.level),
            age_seconds: BigInt(Math.floor((at - session.started_at) / 1000)),
          }),
    budget: bound({
      actions: budgetOf(session?.actions),
      tokens: budgetOf(session?.tokens),
      cost_usd_micros: budgetOf(session?.cost_usd_micros),
    }),
  };
}

/** An object as the evaluator likes it best: it would make one of a plain object at every look. */
function bound(value: object): unknown {
  return celMap(mapOf(value) as Parameters<typeof celMap>[0]);
}

function mapOf(value: unknown): unknown {
  if (typeof value !== "object" || value === null) {
    return value;
  }
  return Array.isArray(value)
    ? value.map(mapOf)
    : new Map(Object.entries(value).map(([name, member]) => [name, mapOf(member)]));
}

function budgetOf(budget: BudgetContext | undefined) {
  const { limit = null, spent = 0, reserved = 0, overrun = 0 } = budget ?? {};
  const left = limit === null ? unlimited : BigInt(Math.max(0, limit - spent - reserved - overrun));
  return {
    limit: limit === null ? unlimited : BigInt(limit),
    spent: BigInt(spent),
    reserved: BigInt(reserved),
    left,
  };
}

function timeIn(zone: string, at: number) {
  const minute = minuteOfWeek(zone, at);
  return {
    unix_seconds: BigInt(Math.floor(at / 1000)),
    day: days[Math.floor(minute / 1440)],
    hour: BigInt(Math.floor((minute % 1440) / 60)),
    minute: BigInt(minute % 60),
  };
}

/** Values and characters of texts in a value; its depth is bounded where it came in. */
function sizeOf(value: Json): Amount {
  if (typeof value === "string") {
    return { values: 1, characters: value.length };
  }
  if (typeof value !== "object" || value === null) {
    return { values: 1, characters: 0 };
  }
  let [values, characters] = [1, 0];
  for (const [name, member] of Object.entries(value)) {
    const size = sizeOf(member as Json);
    values += size.values;
    characters += size.characters + name.length;
  }
  return { values, characters };
}
