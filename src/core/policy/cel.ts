/** `cel`: an expression in CEL that is true of the actions that the policy is about. */
import { type CelInput, celList, celMap } from "@bufbuild/cel";
import { limits } from "../../limits.js";
import type { ActionContext, BudgetContext, Compiled } from "./action.js";
import { isZone, minuteOfWeek } from "./calendar.js";
import { text_root } from "./cel-measure.js";
import { type Amount, compileProgram } from "./cel-program.js";
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
  const reads_text = program.reads.has(text_root);
  return {
    reads_text,
    judge: (context) => {
      const bindings = seenOf(context);
      bindings.zone = zone;
      return program.run(context, bindings, bindings.amount(reads_text), context.work) ? found : null;
    },
  };
}

/** Made once for all expressions that judge one action, and of it only what they read. */
class Seen {
  readonly #context: ActionContext;
  #action: unknown;
  #metadata: unknown;
  #session: unknown;
  #budget: unknown;
  #size: Amount | undefined;
  readonly agent: string;
  readonly label: string;
  /** Set before each expression. */
  zone = "UTC";

  constructor(context: ActionContext) {
    this.#context = context;
    this.agent = context.agent_id ?? "";
    this.label = context.label ?? "";
  }

  get action(): unknown {
    this.#action ??= bound(actionOf(this.#context));
    return this.#action;
  }

  get metadata(): unknown {
    this.#metadata ??= bound(this.#context.metadata ?? {});
    return this.#metadata;
  }

  get session(): unknown {
    this.#session ??= bound(sessionOf(this.#context));
    return this.#session;
  }

  get budget(): unknown {
    this.#budget ??= bound(budgetsOf(this.#context));
    return this.#budget;
  }

  amount(reads_text: boolean): Amount {
    this.#size ??= sizeOf(this.#context.metadata);
    const { values, characters } = this.#size;
    return { values, characters: characters + (reads_text ? (this.#context.content?.length ?? 0) : 0) };
  }

  /** By the clock of the zone that was set last. */
  get time(): unknown {
    return bound(timeIn(this.zone, this.#context.at));
  }
}

function seenOf(context: ActionContext): Seen {
  const { work } = context;
  work.seen ??= new Seen(context);
  return work.seen as Seen;
}

function actionOf({ action_type, content, cost, estimate }: ActionContext) {
  const asked = cost ?? estimate;
  return {
    type: action_type,
    content: content ?? "",
    has_content: content !== null,
    tokens: BigInt(asked?.tokens ?? 0),
    cost_usd_micros: BigInt(asked?.cost_usd_micros ?? 0),
  };
}

function sessionOf({ session, at }: ActionContext) {
  return session === null
    ? null
    : {
        id: session.session_id,
        level: BigInt(session.level),
        age_seconds: BigInt(Math.floor((at - session.started_at) / 1000)),
      };
}

function budgetsOf({ session }: ActionContext) {
  return {
    actions: budgetOf(session?.actions),
    tokens: budgetOf(session?.tokens),
    cost_usd_micros: budgetOf(session?.cost_usd_micros),
  };
}

/** A value as the evaluator likes it best: it would make one of a plain object or list at every look. */
function bound(value: unknown): CelInput {
  if (typeof value !== "object" || value === null) {
    return value as CelInput;
  }
  return Array.isArray(value)
    ? celList(value.map(bound))
    : celMap(new Map(Object.entries(value).map(([name, member]) => [name, bound(member)])));
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
