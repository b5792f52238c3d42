/** Runs tests of policies: every step by the real rules, in a world of its own, at the times that it says. */
import type { Consumed, PolicyTriggered } from "../core/event-parts.js";
import { printUsd } from "../core/money.js";
import type { JsonObject } from "../core/policy/document.js";
import type { Session } from "../core/state.js";
import {
  amountsOf,
  type FiledTest,
  type PolicyTest,
  type TestSession,
  type TestStep,
} from "../policies/test-file.js";
import type { Place } from "../policies/yaml-text.js";
import { KillcordError } from "./errors.js";
import { type Judged, plain_session, Trial, type TrialPolicy, type TrialSession } from "./trial.js";

/** What was other than expected. */
export interface Failure extends Place {
  readonly expected: string;
  readonly found: string;
}

/** What came of a test. */
export interface Tested extends Place {
  readonly name: string;
  /** None when it passed; the first step that failed ends it. */
  readonly failure: Failure | null;
  /** Steps that were held against what was expected, repeats counted each. */
  readonly checked: number;
}

/** When a test begins that does not say it: a Monday, at noon. */
const default_at = Date.parse("2026-01-05T12:00:00Z");
/** The session of actions that name none. */
const own_session = "";

/** Runs one test against policies. */
export function runTest({ test, place, places }: FiledTest, policies: readonly TrialPolicy[]): Tested {
  const run = new Run(test, policies);
  for (const [i, step] of test.actions.entries()) {
    for (let times = step.repeat ?? 1; times > 0; times -= 1) {
      const wrong = run.take(step);
      if (wrong !== null) {
        return {
          name: test.name,
          ...place,
          failure: { ...wrong, ...(places[i] ?? place) },
          checked: run.checked,
        };
      }
    }
  }
  return { name: test.name, ...place, failure: null, checked: run.checked };
}

type Wrong = Pick<Failure, "expected" | "found">;

class Run {
  readonly #test: PolicyTest;
  readonly #trial: Trial;
  readonly #sessions = new Map<string, Session>();
  #at: number;
  checked = 0;

  constructor(test: PolicyTest, policies: readonly TrialPolicy[]) {
    this.#test = test;
    this.#at = test.at === undefined ? default_at : Date.parse(test.at);
    this.#trial = new Trial(policies, this.#at);
  }

  /** Takes one step, and tells what was wrong with its answer. */
  take(step: TestStep): Wrong | null {
    const at =
      step.at === undefined ? this.#at + Math.round((step.after_seconds ?? 0) * 1000) : Date.parse(step.at);
    if (at < this.#at) {
      return { expected: "a time after that of the step before", found: String(step.at) };
    }
    this.#at = at;
    const expects = step.expect !== undefined;
    this.checked += expects ? 1 : 0;
    if (step.start !== undefined) {
      const wrong = this.#startAndCheck(step, step.start);
      return expects ? wrong : null;
    }
    const wrong = differenceOf(step, this.#ask(step));
    return expects ? wrong : null;
  }

  #ask(step: TestStep): Judged | KillcordError {
    try {
      const named = step.session === undefined ? own_session : step.session;
      const session = named === null ? null : (this.#sessions.get(named) ?? this.#start(named));
      const action = {
        action_type: step.action_type ?? "",
        content: step.content ?? null,
        metadata: step.metadata ?? null,
        cost: amountsOf(step.cost),
        estimate: amountsOf(step.estimate),
        agent_id: step.agent_id ?? null,
      };
      return this.#trial.ask(action, session, this.#at);
    } catch (error) {
      return refusalIn(error);
    }
  }

  #startAndCheck(step: TestStep, name: string): Wrong | null {
    const expected = step.expect ?? "started";
    try {
      const session = this.#start(name);
      if (expected !== "started") {
        return { expected, found: "started" };
      }
      return budgetsDifference(step.budgets ?? {}, session);
    } catch (error) {
      const { code, message } = refusalIn(error);
      return code === expected ? null : { expected, found: `${code}: ${message}` };
    }
  }

  #start(name: string): Session {
    const settings = this.#test.sessions?.[name] ?? this.#test;
    const session = this.#trial.start(sessionOf(settings), this.#at);
    this.#trial.spend(session, spentOf(settings));
    this.#sessions.set(name, session);
    return session;
  }
}

/** @throws whatever is no refusal */
function refusalIn(error: unknown): KillcordError {
  if (error instanceof KillcordError) {
    return error;
  }
  throw error;
}

function sessionOf({ agent_id, label, budgets = {} }: TestSession): TrialSession {
  const { max_cost_usd, ...others } = budgets as JsonObject & { readonly max_cost_usd?: string | number };
  const cost = max_cost_usd === undefined ? null : amountsOf({ cost_usd: max_cost_usd });
  return {
    ...plain_session,
    ...(others as Partial<TrialSession>),
    agent_id: agent_id ?? null,
    label: label ?? null,
    max_cost_usd_micros: cost?.cost_usd_micros ?? null,
  };
}

function spentOf({ spent = {} }: TestSession): Consumed {
  const { actions = 0, ...amounts } = spent;
  return { actions, ...(amountsOf(amounts) ?? { tokens: 0, cost_usd_micros: 0 }) };
}

function differenceOf(step: TestStep, answered: Judged | KillcordError): Wrong | null {
  if (answered instanceof KillcordError) {
    return { expected: String(step.expect), found: `${answered.code}: ${answered.message}` };
  }
  const { decision } = answered;
  const said = `${decision.decision}: ${decision.reasoning}`;
  if (decision.decision !== step.expect) {
    return { expected: String(step.expect), found: said };
  }
  const triggered = decision.policies_triggered;
  const reason = triggered[0]?.name ?? "no policy";
  if (step.policy !== undefined && reason !== step.policy) {
    return { expected: `${step.expect} by ${step.policy}`, found: `by ${reason}, ${said}` };
  }
  const warnings = (decision.warnings ?? []).map(({ message }) => message);
  if (step.warning !== undefined && !warnings.some((text) => text.includes(step.warning as string))) {
    return { expected: `the warning ${step.warning}`, found: warnings.join(", ") || "no warning" };
  }
  return (
    namesDifference("by", step.policies, triggered) ??
    namesDifference("in shadow", step.shadowed, decision.policies_shadowed ?? [])
  );
}

function namesDifference(
  word: string,
  expected: readonly string[] | undefined,
  found: readonly PolicyTriggered[],
): Wrong | null {
  if (expected === undefined) {
    return null;
  }
  const listed = (names: readonly string[]) =>
    names.length === 0 ? "no policy" : [...names].sort().join(", ");
  const names = listed(found.map(({ name }) => name));
  return names === listed(expected)
    ? null
    : { expected: `${word} ${listed(expected)}`, found: `${word} ${names}` };
}

/** Budgets that a session was to get and did not. */
function budgetsDifference(expected: JsonObject, session: Session): Wrong | null {
  const cost = session.cost_usd_micros.limit;
  const given: Readonly<Record<string, unknown>> = {
    max_actions: session.actions.limit,
    max_tokens: session.tokens.limit,
    max_cost_usd: cost === null ? null : printUsd(cost),
    ttl_seconds: session.ttl_seconds,
    idle_timeout_seconds: session.idle_timeout_seconds,
    max_depth: session.max_depth,
    max_concurrent: session.max_concurrent,
    on_exceeded: session.on_exceeded,
  };
  for (const [name, value] of Object.entries(expected)) {
    const wanted =
      name === "max_cost_usd" && value !== null
        ? printUsd(amountsOf({ cost_usd: value })?.cost_usd_micros ?? 0)
        : value;
    if (wanted !== (given[name] ?? null)) {
      return { expected: `${name}: ${wanted}`, found: `${name}: ${given[name] ?? "none"}` };
    }
  }
  return null;
}
