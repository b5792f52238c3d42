/** Events that others are told of outside (webhooks): few kinds, and none that comes with every action. */
import type { Event } from "../core/event.js";

const announced = [
  "halt_requested",
  "halt_lifted",
  "halt_confirmed",
  "halt_unconfirmed",
  "session_killed",
  "session_expired",
  "budget_exceeded",
  "escalation_opened",
  "escalation_resolved",
] as const satisfies readonly Event["event"][];

/** An event that is announced. */
export type Announced = (typeof announced)[number];

const announced_set: ReadonlySet<string> = new Set(announced);

/** Whether an event of this name is announced. */
export function isAnnounced(event: string): event is Announced {
  return announced_set.has(event);
}
