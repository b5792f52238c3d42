/** A function that asks before each call, and ends with the session. */
import { intercept } from "./intercept.js";
import type { Cost } from "./money.js";
import type { Action } from "./options.js";
import type { Run } from "./run.js";
import { spend } from "./spend.js";

/** What is wrapped: the session's signal comes first, then its own arguments. */
export type ToolFunction<Args extends readonly unknown[], Result> = (
  signal: AbortSignal,
  ...args: Args
) => PromiseLike<Result> | Result;

export interface ToolOptions<Args extends readonly unknown[], Result = unknown> {
  /** The text of a call that is asked about. Default: its arguments as JSON. */
  readonly content?: (...args: Args) => string;
  /** Facts about a call. Default: none. */
  readonly metadata?: (...args: Args) => NonNullable<Action["metadata"]>;
  /** What a call may cost: held before it, and settled after it. Default: nothing. */
  readonly estimate?: (...args: Args) => Cost;
  /** What a call did cost, read from its result. Default: its estimate. Needs `estimate`. */
  readonly actual?: (result: Result) => Cost;
}

export function wrapTool<Args extends readonly unknown[], Result>(
  run: Run,
  name: string,
  fn: ToolFunction<Args, Result>,
  options: ToolOptions<Args, Result>,
): (...args: Args) => Promise<Result> {
  return async (...args) => {
    const metadata = options.metadata?.(...args);
    const action = {
      content: options.content === undefined ? asJson(args) : options.content(...args),
      ...(metadata === undefined ? {} : { metadata }),
    };
    const estimate = options.estimate?.(...args);
    if (estimate !== undefined) {
      const { actual = () => estimate } = options;
      return await spend(run, name, { ...action, estimate }, (signal) => fn(signal, ...args), actual);
    }
    await intercept(run, name, action);
    const result = await run.race(() => call(run, name, fn, args));
    // A session that is merely held keeps what was done; its next call is held.
    run.guardStop();
    return result;
  };
}

/** Known as work until it really ends, whoever has stopped waiting for it. */
async function call<Args extends readonly unknown[], Result>(
  run: Run,
  name: string,
  fn: ToolFunction<Args, Result>,
  args: Args,
): Promise<Result> {
  const ended = run.work.begin(`the call of ${name}`);
  try {
    return await fn(run.signal, ...args);
  } finally {
    ended();
  }
}

/** What has no JSON is told by its kind. */
function asJson(args: readonly unknown[]): string {
  const seen = new WeakSet<object>();
  return JSON.stringify(args, (_, value: unknown) => {
    if (typeof value === "bigint") return String(value);
    if (typeof value === "function" || typeof value === "symbol") return `[${typeof value}]`;
    if (typeof value !== "object" || value === null) return value;
    if (seen.has(value)) return "[seen]";
    seen.add(value);
    return value instanceof AbortSignal ? "[AbortSignal]" : value;
  });
}
