/** A function that asks before each call, and ends with the session. */
import { intercept } from "./intercept.js";
import type { Action } from "./options.js";
import type { Run } from "./run.js";

/** What is wrapped: the session's signal comes first, then its own arguments. */
export type ToolFunction<Args extends readonly unknown[], Result> = (
  signal: AbortSignal,
  ...args: Args
) => PromiseLike<Result> | Result;

export interface ToolOptions<Args extends readonly unknown[]> {
  /** The text of a call that is asked about. Default: its arguments as JSON. */
  readonly content?: (...args: Args) => string;
  /** Facts about a call. Default: none. */
  readonly metadata?: (...args: Args) => NonNullable<Action["metadata"]>;
}

export function wrapTool<Args extends readonly unknown[], Result>(
  run: Run,
  name: string,
  fn: ToolFunction<Args, Result>,
  options: ToolOptions<Args>,
): (...args: Args) => Promise<Result> {
  return async (...args) => {
    const metadata = options.metadata?.(...args);
    await intercept(run, name, {
      content: options.content === undefined ? asJson(args) : options.content(...args),
      ...(metadata === undefined ? {} : { metadata }),
    });
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
