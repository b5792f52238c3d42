/** Figures of budgets: which were exceeded, and what became of reservations. */
import { Gauge, type Registry } from "prom-client";
import type { Event } from "../core/event.js";
import type { Engine } from "../engine/engine.js";
import { tally } from "./tally.js";

/** @returns what takes each sealed event */
export function createBudgetTallies(registers: Registry[]): (event: Event) => void {
  const exceeded = tally<[string, string]>(
    registers,
    "killcord_budgets_exceeded_total",
    "Budgets that had no room for an action, by unit and by what that did to the session",
    ["unit", "on_exceeded"],
  );
  const closed = tally<[string]>(
    registers,
    "killcord_reservations_closed_total",
    "Reservations that were settled, cancelled, or lapsed",
    ["outcome"],
  );
  return (event) => {
    if (event.event === "budget_exceeded") {
      exceeded.add(event.unit, event.on_exceeded);
    } else if (event.event === "reservation_settled") {
      closed.add(event.outcome);
    }
  };
}

export function addBudgetGauges(registers: Registry[], engine: Engine): void {
  new Gauge({
    name: "killcord_reservations",
    help: "Reservations that are open",
    registers,
    collect() {
      this.set(engine.projection.state.reservations.size);
    },
  });
}
