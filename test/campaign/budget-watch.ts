/** A watch of every session over gRPC that comes back when it is cut, and looks at each state that it is shown. */
import { setTimeout as pause } from "node:timers/promises";
import { type Session, SessionService } from "../../gen/killcord/v1/session_pb.js";
import { parseUsd } from "../../src/core/money.js";
import { openGrpcClient, statusOf } from "../rpc/grpc-client.js";
import type { Door } from "./lines.js";

export class BudgetWatch {
  /** States that were looked at. */
  states = 0;
  readonly #door: Door;
  readonly #done: Promise<void>;
  #cancel: () => void = () => {};
  #fault: string | null = null;
  #left = false;

  constructor(door: Door) {
    this.#door = door;
    this.#done = this.#run();
  }

  /** @throws {Error} for the first state that passed a limit */
  refuse(): void {
    if (this.#fault !== null) {
      throw new Error(this.#fault);
    }
  }

  async leave(): Promise<void> {
    this.#left = true;
    this.#cancel();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { port, key } = this.#door;
    while (!this.#left) {
      // One of its own each time: grpc-js would wait ever longer before it connects again.
      const client = openGrpcClient(`127.0.0.1:${port}`, { "x-api-key": key });
      const stream = client.stream(SessionService.method.watchSessions, {});
      this.#cancel = () => stream.cancel();
      stream.on("data", ({ update }) => {
        if (update.case === "session") {
          this.#look(update.value);
        }
      });
      await statusOf(stream);
      client.close();
      await pause(20);
    }
  }

  #look({ sessionId, budgets, consumed, reserved }: Session): void {
    this.states += 1;
    const cost = budgets?.maxCostUsd;
    const accounts: readonly (readonly [string, bigint | undefined, bigint, bigint])[] = [
      ["actions", budgets?.maxActions, consumed?.actions ?? 0n, 0n],
      ["tokens", budgets?.maxTokens, consumed?.tokens ?? 0n, reserved?.tokens ?? 0n],
      [
        "cost_usd_micros",
        cost === undefined ? undefined : BigInt(parseUsd(cost) ?? -1),
        consumed?.costUsdMicros ?? 0n,
        reserved?.costUsdMicros ?? 0n,
      ],
    ];
    for (const [unit, limit, spent, held] of accounts) {
      if (limit !== undefined && spent + held > limit) {
        this.#fault ??= `a watch showed ${spent} and ${held} ${unit} of ${sessionId}, of ${limit}`;
      }
    }
  }
}
