/** What escalations need of the engine beside their rules: a deadline each, and the text of the action. */
import type { Command } from "../core/command.js";
import type { Event } from "../core/event.js";
import type { State } from "../core/state.js";
import { ActionTexts, type ActionTextsOptions, textOf } from "./action-texts.js";
import type { Clock } from "./clock.js";
import { EscalationDeadlines } from "./escalation-deadlines.js";

export class EscalationSteps {
  readonly texts: ActionTexts;
  readonly #state: Readonly<State>;
  readonly #deadlines: EscalationDeadlines;

  /**
   * @param texts null: in memory alone
   * @param expire is told of each escalation whose time has come; resolves to false when it was refused
   */
  constructor(
    state: Readonly<State>,
    clock: Clock,
    texts: ActionTextsOptions | null,
    expire: (escalation_id: string) => Promise<boolean>,
  ) {
    this.#state = state;
    this.texts = new ActionTexts(texts, clock);
    this.#deadlines = new EscalationDeadlines(state, clock, expire);
  }

  /** Takes in what a replay left. */
  start(): void {
    this.#deadlines.start();
    this.texts.start(this.#state.escalations);
  }

  onDecided(events: readonly Event[], command: Command): void {
    this.#deadlines.onDecided(events);
    this.texts.onDecided(events, command.type === "intercept" ? () => textOf(command) : undefined);
  }

  onSealed(events: readonly Event[]): void {
    this.texts.onSealed(events);
  }

  /** What an escalated action says is on disk before its caller hears the verdict. */
  async settle(events: readonly Event[]): Promise<void> {
    if (events.some((event) => event.event === "escalation_opened")) {
      await this.texts.settle();
    }
  }

  /** Nothing expires any more. */
  keepNoTime(): void {
    this.#deadlines.stop();
  }

  async stop(): Promise<void> {
    await this.texts.stop();
  }
}
