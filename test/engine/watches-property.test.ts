/** Random events, random slow readers, random cuts and restarts: nothing lost, none invented, no way back. */
import fc from "fast-check";
import type { Session } from "../../src/core/state.js";
import type { Selection } from "../../src/engine/session-watcher.js";
import { end, intercept, kill, pause, resume, revokeAgent, start } from "./asked.js";
import { newPlace, type Place, type Running } from "./place.js";
import { type About, WatchClient } from "./watched.js";

type Act =
  | { readonly do: "start"; readonly agent: number; readonly under: number | null }
  | { readonly do: "intercept" | "kill" | "end" | "pause" | "resume"; readonly session: number }
  | { readonly do: "read" | "cut" | "watch"; readonly reader: number }
  | { readonly do: "revoke agent"; readonly agent: number }
  | { readonly do: "turn" | "wait" | "restart" };

const few = fc.nat({ max: 2 });
const some = fc.nat({ max: 20 });
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("start" as const), agent: few, under: fc.option(some) }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("intercept" as const), session: some }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom("kill" as const, "end" as const), session: some }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constantFrom("pause" as const, "resume" as const), session: some }),
  },
  { weight: 16, arbitrary: fc.record({ do: fc.constant("read" as const), reader: some }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("cut" as const), reader: some }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("watch" as const), reader: some }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("revoke agent" as const), agent: few }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom("turn" as const, "wait" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const) }) },
);

describe("watches of sessions", () => {
  let place: Place;
  before(async () => {
    place = await newPlace();
    await place.start();
  });
  after(() => place.remove());

  it("lose nothing and invent nothing, however readers, events, cuts and restarts interleave", async () => {
    const script = fc.array(act, { minLength: 10, maxLength: 60 });
    const property = fc.asyncProperty(
      script,
      fc.nat({ max: 2 }),
      fc.nat({ max: 3 }),
      async (acts, stopped, room) => {
        await place.begin();
        await new Play(place, { stopped_sessions: stopped, watch_changes: room }).run(acts);
      },
    );
    await fc.assert(property, { numRuns: 100 });
  }).timeout(180_000);
});

class Play {
  readonly #place: Place;
  readonly #engine: { readonly stopped_sessions: number; readonly watch_changes: number };
  readonly #sessions: string[] = [];
  readonly #clients: (readonly [WatchClient, About])[] = [];
  #waiting: Promise<unknown>[] = [];
  #running!: Running;

  constructor(place: Place, engine: { readonly stopped_sessions: number; readonly watch_changes: number }) {
    this.#place = place;
    this.#engine = engine;
  }

  async run(acts: readonly Act[]): Promise<void> {
    this.#running = await this.#place.start({ engine: this.#engine });
    this.#watch(0);
    this.#watch(3);
    for (const one of acts) {
      await this.#take(one);
    }
    await Promise.all(this.#waiting);
    await this.#running.engine.stop();
    const log = await this.#running.events();
    for (const [client, about] of this.#clients) {
      await client.rest();
      client.check(log, about);
    }
  }

  async #take(one: Act): Promise<void> {
    const { engine, admin } = this.#running;
    switch (one.do) {
      case "start": {
        const session_id = `s${this.#sessions.length}`;
        const parent_session_id = one.under === null ? null : this.#named(one.under);
        this.#sessions.push(session_id);
        this.#waiting.push(
          engine.submit(start(admin, session_id, { agent_id: `a${one.agent}`, parent_session_id })),
        );
        return;
      }
      case "intercept":
      case "kill":
      case "end":
      case "pause":
      case "resume": {
        const make = { intercept, kill, end, pause, resume }[one.do];
        this.#waiting.push(engine.submit(make(admin, this.#named(one.session) ?? "none")));
        return;
      }
      case "revoke agent":
        this.#waiting.push(engine.submit(revokeAgent(admin, `a${one.agent}`)));
        return;
      case "watch":
        this.#watch(one.reader);
        return;
      case "read":
        void this.#client(one.reader).pull();
        return;
      case "cut":
        this.#client(one.reader).connect(engine);
        return;
      case "turn":
        return new Promise((resolve) => setImmediate(resolve));
      case "wait":
        await Promise.all(this.#waiting);
        return this.#check();
      case "restart":
        await this.#restart();
    }
  }

  #named(number: number): string | null {
    return this.#sessions[number % Math.max(1, this.#sessions.length)] ?? null;
  }

  #client(number: number): WatchClient {
    return (this.#clients[number % this.#clients.length] as readonly [WatchClient, About])[0];
  }

  #watch(number: number): void {
    const { engine } = this.#running;
    const ids = [...engine.projection.state.sessions.keys()];
    const agent_id = `a${number % 3}`;
    if (number % 4 === 3) {
      // As services/watch.ts does for whoever asks for active ones.
      const matches = ({ status, stop }: Session, has_turned: boolean) =>
        status === "active" || stop !== null || has_turned;
      const client = new WatchClient({ by: "filter", agent_id: null, matches }, false);
      this.#clients.push([client, () => true]);
      client.connect(engine);
      return;
    }
    const [selection, about]: readonly [Selection, About] =
      number % 3 === 0
        ? [{ by: "filter", agent_id: null, matches: () => true }, () => true]
        : number % 3 === 1 || ids.length === 0
          ? [
              { by: "filter", agent_id, matches: (session) => session.agent_id === agent_id },
              (session) => session.agent_id === agent_id,
            ]
          : [{ by: "ids", session_ids: ids }, ({ session_id }) => ids.includes(session_id)];
    const client = new WatchClient(selection);
    this.#clients.push([client, about]);
    client.connect(engine);
  }

  async #check(): Promise<void> {
    const log = await this.#running.events();
    for (const [client, about] of this.#clients) {
      client.check(log, about);
    }
  }

  async #restart(): Promise<void> {
    await Promise.all(this.#waiting);
    await this.#running.engine.stop();
    this.#waiting = [];
    this.#place.time.restart(1000);
    this.#running = await this.#place.start({ engine: this.#engine });
    for (const [client] of this.#clients) {
      client.connect(this.#running.engine);
    }
  }
}
