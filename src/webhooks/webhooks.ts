/** Tells receivers outside of what was sealed, beside everything: no decision and no seal waits for it. */
import type { Event } from "../core/event.js";
import { isAnnounced } from "../engine/announced.js";
import type { RowStore } from "../engine/derived.js";
import { Courier, type Surroundings } from "./courier.js";
import type { Secrets } from "./secrets.js";
import type { Target } from "./target.js";

export interface WebhookOptions extends Surroundings {
  readonly secrets: Secrets;
  /** Where it is kept how far each target is. */
  readonly positions: RowStore;
  /** Number of sealed entries: a target that is new hears what comes from here on. */
  readonly size: number;
  /** Told once a target when the log or the positions cannot be read: it hears nothing more. */
  readonly onFault: (target: Target, error: Error) => void;
  /** A position could not be written: the next start may repeat what was told. */
  readonly onForgetful: (target: Target, error: Error) => void;
}

export class Webhooks {
  readonly #couriers: readonly Courier[];

  private constructor(couriers: readonly Courier[]) {
    this.#couriers = couriers;
  }

  /** Goes on where each target was left; a target that is named no more is forgotten. */
  static async open(options: WebhookOptions): Promise<Webhooks> {
    const { secrets, positions, size, onFault, onForgetful } = options;
    const known = new Map(await positions.iterator().all());
    const couriers: Courier[] = [];
    for (const [target, own] of secrets) {
      const kept = known.get(target.url);
      known.delete(target.url);
      // Above the log only after a restored copy: what comes from here on is new to everybody.
      const next = Math.min(kept === undefined ? size : Number(kept), size);
      const keep = async (index: number) => {
        try {
          await positions.put(target.url, String(index));
        } catch (error) {
          onForgetful(target, error as Error);
        }
      };
      // Before anything that it has to tell is sealed: after a crash it is not new any more.
      await positions.put(target.url, String(next));
      couriers.push(new Courier(target, own, next, keep, options));
    }
    await positions.batch([...known.keys()].map((key) => ({ type: "del", key })));
    for (const courier of couriers) {
      courier.begin((error) => onFault(courier.target, error));
    }
    return new Webhooks(couriers);
  }

  /** Takes note of a sealed batch, which the index holds already. */
  onSealed(events: readonly Event[]): void {
    if (events.some(({ event }) => isAnnounced(event))) {
      for (const courier of this.#couriers) {
        courier.ring();
      }
    }
  }

  /** From the next try on other secrets sign, for the targets there are. */
  renew(secrets: Secrets): void {
    const by_url = new Map([...secrets].map(([{ url }, own]) => [url, own]));
    for (const courier of this.#couriers) {
      courier.secrets = by_url.get(courier.target.url) ?? courier.secrets;
    }
  }

  /** By target, when the entry was signed that waits to be told, milliseconds since 1970, or null. */
  waiting(): ReadonlyMap<string, number | null> {
    return new Map(this.#couriers.map(({ target, waiting_since }) => [target.name, waiting_since]));
  }

  /** Ends all of them at once; the log has to stay open until then. */
  async end(grace_ms: number): Promise<void> {
    await Promise.all(this.#couriers.map((courier) => courier.end(grace_ms)));
  }
}
