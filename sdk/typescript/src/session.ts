/** One run of one agent, as the agent's own program holds it. */
import { intercept } from "./intercept.js";
import type { Listener, SessionEvents } from "./listeners.js";
import { type Cost, wireCost } from "./money.js";
import type { Action } from "./options.js";
import { cancel, Reservation, type ReservedAction, type Settlement, settle } from "./reservation.js";
import type { Run } from "./run.js";
import { spend } from "./spend.js";
import { type ToolFunction, type ToolOptions, wrapTool } from "./tool.js";
import type { Allowed } from "./verdict.js";
import type { EvidenceWord, SessionStatusWord } from "./words.js";

/**
 * Open it with `await using`: however the block is left, the session is ended, or its stop is
 * acknowledged when the work has ended.
 */
export class Session implements AsyncDisposable {
  readonly #run: Run;

  /** @internal */
  constructor(run: Run) {
    this.#run = run;
  }

  /** `sess_` and 24 hex digits. */
  get id(): string {
    return this.#run.id;
  }

  /**
   * Aborted when the session is over, with a {@link SessionTerminated} as its reason. Give it to
   * whatever takes one: fetch, streams, timers, model SDKs.
   */
  get signal(): AbortSignal {
    return this.#run.signal;
  }

  /** What is known of it here; nothing is asked. */
  get status(): SessionStatusWord {
    const { state } = this.#run;
    return state.kind === "stopped" ? state.terminated.status : state.kind;
  }

  /**
   * Returns if the run may go on. It asks nobody: call it as often as you like.
   *
   * @throws {SessionTerminated} when the session is over
   * @throws {SessionPaused} while it is held, whatever `whenPaused` says
   */
  guard(): void {
    this.#run.guard();
  }

  /**
   * Resolves if the run may go on; while it is held, when it is resumed.
   *
   * @throws {SessionTerminated} when the session is over
   */
  async ready(): Promise<void> {
    this.#run.guardStop();
    if (this.#run.state.kind === "paused") await this.#run.untilActive();
  }

  /**
   * Asks for one action: it resolves when the action may be done, and throws otherwise.
   *
   * @param actionType what kind: 1 to 128 of `A-Z a-z 0-9 _ . : / -`
   * @throws {SessionTerminated} when the session is over: at once, also in the middle of the call
   * @throws {ActionBlocked} when it must not be done; {@link SessionPaused} while the session is held
   * @throws {ActionEscalated} when a person has to approve it before, and `onEscalate` is throw; else it
   *   waits for that, and throws {@link ActionBlocked} when it is rejected or nobody comes in time
   * @throws {ServerUnreachable} when there is no answer in time
   */
  intercept(actionType: string, action: Action = {}): Promise<Allowed> {
    return intercept(this.#run, actionType, action);
  }

  /**
   * Asks for an action that may cost up to `estimate`, which is held until it is settled: so that no
   * limit is passed while several are under way.
   *
   * ```ts
   * await using held = await session.reserve("llm_call", { estimate: { tokens: 4000 } });
   * const { usage } = await callModel({ signal: session.signal });
   * await held.settle({ tokens: usage.totalTokens });
   * ```
   *
   * @throws as `intercept` does
   */
  async reserve(actionType: string, action: ReservedAction): Promise<Reservation> {
    return new Reservation(this.#run, await intercept(this.#run, actionType, action));
  }

  /**
   * Reserves, does it, and settles it with what `actual` reads from its result, by default the estimate.
   * A stop rejects at once; what `fn` has begun is settled when it ends. When `fn` throws, the estimate is
   * given back.
   *
   * ```ts
   * const answer = await session.spend(
   *   "llm_call",
   *   { estimate: { tokens: 4000 } },
   *   (abortSignal) => generateText({ model, prompt, abortSignal }),
   *   ({ totalUsage }) => ({ tokens: totalUsage.totalTokens ?? 4000 }),
   * );
   * ```
   *
   * @param fn gets the session's signal
   * @throws as `intercept` does, and what `fn` threw
   */
  spend<Result>(
    actionType: string,
    action: ReservedAction,
    fn: (signal: AbortSignal) => PromiseLike<Result> | Result,
    actual: (result: Result) => Cost = () => action.estimate,
  ): Promise<Result> {
    return spend(this.#run, actionType, action, fn, actual);
  }

  /** Closes a reservation by its decision, with what the action did cost. Throws as {@link Reservation.settle} does. */
  async settle(decisionId: string, cost: Cost): Promise<Settlement> {
    return await settle(this.#run, decisionId, wireCost("cost", cost));
  }

  /** Closes a reservation by its decision: the action was not done. Throws as {@link Reservation.cancel} does. */
  async cancel(decisionId: string): Promise<Settlement> {
    return await cancel(this.#run, decisionId);
  }

  /**
   * Makes a function ask before each call, and end with the session: a stop aborts the signal that it
   * gets, and its call rejects at once, even if it does not listen.
   *
   * @param name the action type of its calls
   * @param fn gets the session's signal before its arguments
   * @returns takes the same arguments; rejects as `intercept` does, or with what `fn` threw
   */
  tool<Args extends readonly unknown[], Result>(
    name: string,
    fn: ToolFunction<Args, Result>,
    options: ToolOptions<Args, Result> = {},
  ): (...args: Args) => Promise<Result> {
    return wrapTool(this.#run, name, fn, options);
  }

  /**
   * Calls `listener` when it happens; for a stop that has happened already, soon.
   *
   * @returns takes the listener away again
   */
  on<Event extends keyof SessionEvents>(event: Event, listener: Listener<Event>): () => void {
    return this.#run.listeners.add(event, listener);
  }

  /**
   * Ends the session; after a stop, waits for the work to end and acknowledges that. Never throws, and
   * never takes longer than the timeout and the grace.
   *
   * @param how what shows that the work has ended, for whoever watches over processes
   */
  close(how: { readonly evidence?: EvidenceWord } = {}): Promise<void> {
    return this.#run.close(how.evidence ?? "tasks_cancelled");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
