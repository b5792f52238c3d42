/** Figures of webhooks for Prometheus. Targets are few, and named in the settings. */
import { Counter, Gauge, type Registry } from "prom-client";

export interface WebhookMetrics {
  /** Counts one try, or a message that was given up. */
  count(target: string, outcome: string): void;
  /** Adds, by target, when the entry was signed that waits to be told, milliseconds since 1970, or null. */
  measure(waiting: () => ReadonlyMap<string, number | null>): void;
}

export function createWebhookMetrics(registers: Registry[]): WebhookMetrics {
  const tries = new Counter({
    name: "killcord_webhook_deliveries_total",
    help: "Tries to deliver a webhook, by what became of them, and webhooks that were given up",
    labelNames: ["target", "outcome"],
    registers,
  });
  return {
    count: (target, outcome) => tries.inc({ target, outcome }),
    measure: (waiting) => {
      new Gauge({
        name: "killcord_webhook_waiting_seconds",
        help: "Age of the entry that a target has to be told next, 0 when nothing waits",
        labelNames: ["target"],
        registers,
        collect() {
          this.reset();
          for (const [target, since] of waiting()) {
            this.set({ target }, since === null ? 0 : Math.max(0, Date.now() - since) / 1000);
          }
        },
      });
    },
  };
}
