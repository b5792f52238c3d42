/** Who counts what the engine does, without a say in it. Nothing here may throw. */
import type { Command } from "../core/command.js";
import type { Event } from "../core/event.js";

/** What has a time of its own in the life of a stop. */
export type HaltStep = "delivered" | "acknowledged" | "confirmed";

export interface Observer {
  /** Told of every sealed batch of events, in order; not of those that a start replays. */
  onSealed(events: readonly Event[]): void;
  /** Told how long after its stop a session's client was handed it, or spoke of it. */
  onHaltStep(step: HaltStep, elapsed_ms: number): void;
  /** Told of every durable write. */
  onWrite(entries: number, duration_ms: number): void;
  /** Told of every command that stops something and has room of its own, when all of it is durable. */
  onStopSealed(command: Command["type"], duration_ms: number): void;
}

/** Counts nothing. */
export const no_observer: Observer = {
  onSealed: () => {},
  onHaltStep: () => {},
  onWrite: () => {},
  onStopSealed: () => {},
};
