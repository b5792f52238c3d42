/**
 * A client that keeps the rule of leases, over a way that delays and loses, and an engine that stalls and
 * is restarted, in any interleaving: whenever the engine says that the lease is lost, the client has
 * stopped; and a client that has gone is found.
 */
import { expect } from "chai";
import fc from "fast-check";
import { leaseGrace } from "../../src/core/lease.js";
import { start, touch } from "./asked.js";
import { newPlace, type Place, type Running } from "./place.js";

/** One sign of life: how long after the one before, how long it takes each way, and what becomes of it. */
interface Sign {
  readonly gap_ms: number;
  readonly up_ms: number;
  readonly down_ms: number;
  readonly fate: "answered" | "unheard" | "unanswered";
}

/** What happens to the engine at a time. */
interface Trouble {
  readonly at_ms: number;
  readonly kind: "stall" | "restart";
  readonly for_ms: number;
}

const sign: fc.Arbitrary<Sign> = fc.record({
  gap_ms: fc.nat({ max: 6000 }),
  up_ms: fc.nat({ max: 3000 }),
  down_ms: fc.nat({ max: 3000 }),
  fate: fc.constantFrom("answered", "answered", "answered", "unheard", "unanswered"),
});
const trouble: fc.Arbitrary<Trouble> = fc.record({
  at_ms: fc.nat({ max: 30_000 }),
  kind: fc.constantFrom("stall", "stall", "restart"),
  for_ms: fc.constantFrom(100, 499, 501, 3000, 20_000),
});

/** A client and an engine on one clock of the test's, in milliseconds since it began. */
class Weather {
  now = 0;
  /** When the client stopped itself. */
  stopped_at: number | null = null;
  readonly #place: Place;
  readonly #lease_ms: number;
  #running: Running;
  #counted_from = 0;
  #down_until = 0;
  readonly #coming: { readonly at: number; readonly happen: () => void | Promise<void> }[] = [];

  constructor(place: Place, running: Running, lease_ms: number) {
    this.#place = place;
    this.#running = running;
    this.#lease_ms = lease_ms;
  }

  get running(): Running {
    return this.#running;
  }

  plan(signs: readonly Sign[], troubles: readonly Trouble[]): void {
    let at = 0;
    for (const each of signs) {
      at += each.gap_ms;
      this.#at(at, () => this.#send(each));
    }
    for (const { at_ms, kind, for_ms } of troubles) {
      this.#at(at_ms, () => (kind === "stall" ? this.#stall(for_ms) : this.#restart(for_ms)));
    }
  }

  /** Plays all that is planned, and what follows from it. */
  async play(): Promise<void> {
    for (;;) {
      this.#coming.sort((a, b) => a.at - b.at);
      const next = this.#coming.shift();
      if (next === undefined) {
        return;
      }
      await this.pass(next.at - this.now);
      await next.happen();
    }
  }

  async pass(duration_ms: number): Promise<void> {
    if (duration_ms > 0) {
      this.#place.time.pass(duration_ms);
      this.now += duration_ms;
    }
    await this.#running.settle();
    const over_at = this.#counted_from + this.#lease_ms;
    if (this.now >= over_at) {
      this.stopped_at ??= over_at;
    }
  }

  #at(at: number, happen: () => void | Promise<void>): void {
    this.#coming.push({ at, happen });
  }

  #send({ up_ms, down_ms, fate }: Sign): void {
    const sent_at = this.now;
    if (this.stopped_at !== null || fate === "unheard") {
      return;
    }
    this.#at(sent_at + up_ms, async () => {
      if (sent_at + up_ms < this.#down_until) {
        return;
      }
      await this.#running.engine.submit(touch(this.#running.admin, "s1"), { renews: true });
      if (fate === "answered") {
        this.#at(this.now + down_ms, () => this.#hear(sent_at));
      }
    });
  }

  /** Counted from when it was sent; too late is too late. */
  #hear(sent_at: number): void {
    if (this.stopped_at === null) {
      this.#counted_from = Math.max(this.#counted_from, sent_at);
    }
  }

  /** When it goes on, every timer that is due runs before anything that was sent is read. */
  async #stall(for_ms: number): Promise<void> {
    this.#place.time.stall(for_ms);
    this.now += for_ms;
    await this.pass(1);
  }

  async #restart(for_ms: number): Promise<void> {
    await this.#running.engine.stop();
    this.#place.time.restart(for_ms);
    this.now += for_ms;
    this.#down_until = this.now;
    this.#running = await this.#place.start();
    await this.pass(0);
  }
}

describe("a lease in any weather", () => {
  let place: Place;
  beforeEach(async () => {
    place = await newPlace();
    await place.start();
  });
  afterEach(() => place.remove());

  it("is lost only when its client has stopped, and always when it has gone", async () => {
    const judge = async (lease_seconds: number, signs: readonly Sign[], troubles: readonly Trouble[]) => {
      await place.begin();
      const running = await place.start();
      const began_at = place.time.wall;
      await running.engine.submit(start(running.admin, "s1", { lease_seconds, on_lease_lost: "kill" }));
      const weather = new Weather(place, running, lease_seconds * 1000);
      weather.plan(signs, troubles);
      await weather.play();
      await weather.pass(lease_seconds * 1000 + leaseGrace(lease_seconds));
      const lost = (await weather.running.events()).filter(({ event }) => event === "lease_lost");
      expect(lost).to.have.lengthOf(1);
      expect(weather.running.engine.state.sessions.get("s1")?.stop?.stop_reason).to.equal("lease_lost");
      expect(weather.stopped_at, "the client has stopped").to.be.at.most((lost[0]?.at ?? 0) - began_at);
    };
    const lease_seconds = fc.integer({ min: 2, max: 20 });
    const signs = fc.array(sign, { maxLength: 12 });
    const troubles = fc.array(trouble, { maxLength: 3 });
    await fc.assert(fc.asyncProperty(lease_seconds, signs, troubles, judge), {
      numRuns: Number(process.env.RUNS ?? 60),
    });
  }).timeout(60_000);
});
