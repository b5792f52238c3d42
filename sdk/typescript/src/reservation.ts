/** What an action may cost is held for it; what it did cost is said afterwards. */
import {
  type CancelReservationResponse,
  ReservationOutcome,
  type SettleResponse,
} from "../gen/killcord/v1/enforcement_pb.js";
import { type Amounts, type Cost, wireCost } from "./money.js";
import type { Action } from "./options.js";
import type { Run } from "./run.js";
import { type Allowed, amountsOf, type Consumed, consumedOf, type Warning, warningsOf } from "./verdict.js";

/** An action that holds an estimate. */
export interface ReservedAction extends Omit<Action, "cost" | "estimate"> {
  /** The most that it is expected to cost; more can be settled. */
  readonly estimate: Cost;
}

/** How a reservation was closed. */
export interface Settlement {
  readonly decisionId: string;
  /** lapsed: nothing was said in time, and the estimate is spent. */
  readonly outcome: "settled" | "cancelled" | "lapsed" | (string & {});
  /** What is spent for the action: what was reported, as far as it fits into the budgets. */
  readonly spent: Amounts;
  /** What it did cost; absent when nobody said. */
  readonly reported: Amounts | undefined;
  /** What the session has used now. */
  readonly consumed: Consumed;
  /** What the run should know beside it; its listeners are told as well. */
  readonly warnings: readonly Warning[];
}

/**
 * Leave to do one action, which holds its estimate until it is settled or cancelled. Use it with
 * `await using`: what is left unsettled, by an exception or otherwise, is cancelled.
 */
export class Reservation implements AsyncDisposable {
  readonly allowed: Allowed;
  readonly #run: Run;
  #said = false;

  /** @internal */
  constructor(run: Run, allowed: Allowed) {
    this.#run = run;
    this.allowed = allowed;
  }

  /** `enf_` and 12 hex digits; empty where failOpen allowed it, and nothing is held. */
  get decisionId(): string {
    return this.allowed.decisionId;
  }

  /**
   * Says what the action did cost, also more than its estimate. On a stopped session too. It may be
   * repeated. Where it is no amount, and nothing else is said, the estimate counts.
   *
   * @returns undefined where nothing is held
   * @throws {KillcordError} reservation_closed, when it was settled otherwise, cancelled or has lapsed
   * @throws {ServerUnreachable} when there is no answer in time: unless it is repeated, the estimate counts
   */
  async settle(cost: Cost): Promise<Settlement | undefined> {
    // The action was done: where its cost is no amount, the estimate stands until it is said again.
    this.#said = true;
    const wired = wireCost("cost", cost);
    if (this.allowed.offline) return undefined;
    return await settle(this.#run, this.decisionId, wired);
  }

  /** Says that the action was not done and cost nothing. It may be repeated. Throws as `settle` does. */
  async cancel(): Promise<Settlement | undefined> {
    this.#said = true;
    if (this.allowed.offline) return undefined;
    return await cancel(this.#run, this.decisionId);
  }

  /** Cancels it, unless it was settled or cancelled. Never throws: what could not be said is told in a warning. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#said) return;
    try {
      await this.cancel();
    } catch (error) {
      lost(this.#run, this.decisionId, error);
    }
  }
}

export async function settle(
  run: Run,
  decision_id: string,
  cost: ReturnType<typeof wireCost>,
): Promise<Settlement> {
  const reply = await run.connection.call({ timeout_ms: run.plan.timeout_ms }, ({ enforcement }, options) =>
    enforcement.settle({ decisionId: decision_id, cost }, options),
  );
  const warnings = warningsOf(reply);
  for (const warning of warnings) run.warned(warning);
  return settlementOf(reply, warnings);
}

export async function cancel(run: Run, decision_id: string): Promise<Settlement> {
  const reply = await run.connection.call({ timeout_ms: run.plan.timeout_ms }, ({ enforcement }, options) =>
    enforcement.cancelReservation({ decisionId: decision_id }, options),
  );
  return settlementOf(reply, []);
}

/** An action is done, and what it cost could not be said. */
export function lost(run: Run, decision_id: string, error: unknown): void {
  const why = error instanceof Error ? error.message : String(error);
  run.connection.platform.warn(`${decision_id} counts at its estimate, since it could not be closed: ${why}`);
}

function settlementOf(
  reply: SettleResponse | CancelReservationResponse,
  warnings: readonly Warning[],
): Settlement {
  return {
    decisionId: reply.decisionId,
    outcome: (ReservationOutcome[reply.outcome] ?? `unknown_${reply.outcome}`).toLowerCase(),
    spent: amountsOf(reply.spent),
    reported: reply.reported === undefined ? undefined : amountsOf(reply.reported),
    consumed: consumedOf(reply.consumed),
    warnings,
  };
}
