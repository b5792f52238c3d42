/** Random scripts: what many callers do to an engine, in any order, with time passing between. */
import fc from "fast-check";
import type { Actor } from "../../src/core/actor.js";
import type { Scope } from "../../src/core/event-halt.js";
import type { Amounts } from "../../src/core/event-parts.js";
import type { Enclosed, Outcome } from "../../src/engine/outcome.js";
import type { SealedEntry } from "../../src/vault/entry.js";
import {
  acknowledge,
  createKey,
  end,
  halt,
  intercept,
  interceptWith,
  kill,
  lift,
  pause,
  raise,
  register,
  resume,
  revokeCredential,
  start,
  touch,
  underKey,
} from "./asked.js";
import type { ManualTime } from "./manual-time.js";
import type { Running } from "./place.js";

/** Numbers choose among what is there when the step is taken; null is none. */
type Step =
  | {
      readonly do: "start";
      readonly agent: number;
      readonly under: number | null;
      readonly max_actions: number | null;
      readonly ttl_seconds: number | null;
      readonly idle_timeout_seconds: number | null;
      readonly lease_seconds: number | null;
      readonly on_lease_lost: "kill" | "pause" | "continue";
      readonly max_tokens: number | null;
      readonly on_exceeded: "terminate" | "pause";
      readonly warn_at_percent: readonly number[];
      readonly key: number | null;
      readonly by: number;
    }
  | {
      readonly do: "intercept";
      readonly session: number | null;
      readonly key: number | null;
      readonly text: boolean;
      /** In tokens. */
      readonly cost: number | null;
      readonly estimate: number | null;
      readonly by: number;
    }
  /** Of a reservation that is open; null gives it back. */
  | {
      readonly do: "settle";
      readonly reservation: number;
      readonly tokens: number | null;
      readonly by: number;
    }
  | { readonly do: "raise"; readonly session: number; readonly max_tokens: number }
  | { readonly do: "kill" | "end" | "touch"; readonly session: number; readonly by: number }
  | { readonly do: "pause" | "resume"; readonly session: number }
  | { readonly do: "halt"; readonly agent: number | null; readonly mode: "kill" | "pause" }
  | { readonly do: "lift"; readonly halt: number }
  /** The client of a session hears of its stop, if it has one, and then says how far it is. */
  | { readonly do: "acknowledge"; readonly session: number; readonly hears: boolean; readonly says: Phase }
  | { readonly do: "register" | "revoke agent"; readonly agent: number }
  | { readonly do: "revoke credential"; readonly credential: number }
  | { readonly do: "create key" }
  | { readonly do: "pass"; readonly duration_ms: number }
  /** Every caller waits for its answer. */
  | { readonly do: "wait" };

type Phase = "nothing" | "stopping" | "stopped";

export type Script = readonly Step[];

const few = fc.nat({ max: 3 });
const some = fc.option(fc.nat({ max: 30 }));
const by = fc.nat({ max: 5 });

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("start" as const),
      agent: few,
      under: some,
      max_actions: fc.option(few),
      ttl_seconds: fc.option(fc.integer({ min: 1, max: 3 })),
      idle_timeout_seconds: fc.option(fc.integer({ min: 1, max: 2 })),
      lease_seconds: fc.option(fc.integer({ min: 2, max: 3 })),
      on_lease_lost: fc.constantFrom("kill" as const, "pause" as const, "continue" as const),
      max_tokens: fc.option(fc.nat({ max: 20 })),
      on_exceeded: fc.constantFrom("terminate" as const, "pause" as const),
      warn_at_percent: fc.constantFrom([], [50, 90]),
      key: fc.option(few, { freq: 2 }),
      by,
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("intercept" as const),
      session: some,
      key: fc.option(few, { freq: 2 }),
      text: fc.boolean(),
      cost: fc.option(few, { freq: 1 }),
      estimate: fc.option(few, { freq: 2 }),
      by,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("settle" as const),
      reservation: few,
      tokens: fc.option(fc.nat({ max: 6 })),
      by,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("raise" as const),
      session: fc.nat({ max: 30 }),
      max_tokens: fc.nat({ max: 40 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom("kill" as const, "end" as const, "touch" as const),
      session: fc.nat({ max: 30 }),
      by,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom("pause" as const, "resume" as const, "resume" as const),
      session: fc.nat({ max: 30 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("halt" as const),
      agent: fc.option(few),
      mode: fc.constantFrom("pause" as const, "pause" as const, "pause" as const, "kill" as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("lift" as const), halt: few }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("acknowledge" as const),
      session: fc.nat({ max: 30 }),
      hears: fc.boolean(),
      says: fc.constantFrom<Phase[]>("nothing", "stopping", "stopped"),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom("register" as const, "revoke agent" as const), agent: few }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("revoke credential" as const), credential: few }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("create key" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("pass" as const), duration_ms: fc.nat({ max: 1500 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("wait" as const) }) },
);

export const scripts: fc.Arbitrary<Script> = fc.array(step, { minLength: 1, maxLength: 60 });

/** What callers were told. */
export interface Told {
  readonly outcomes: readonly Outcome[];
  readonly faults: readonly unknown[];
}

/** Everything that was acknowledged, by index. */
export function acknowledged(told: Told): ReadonlyMap<number, SealedEntry> {
  const entries = told.outcomes.flatMap((outcome) => outcome.entries);
  return new Map(entries.map((entry) => [entry.sequence_number, entry]));
}

/** Runs a script to its end. `sessions` are those that it may name; it adds those that it starts. */
export async function run(
  script: Script,
  running: Running,
  time: ManualTime,
  sessions: string[] = [],
): Promise<Told> {
  const outcomes: Outcome[] = [];
  const faults: unknown[] = [];
  const cast = new Cast(running, sessions);
  let waiting: Promise<unknown>[] = [];
  for (const each of script) {
    if (each.do === "pass") {
      time.pass(each.duration_ms);
    } else if (each.do === "wait") {
      await Promise.all(waiting);
      waiting = [];
    } else {
      const outcome = cast.take(each);
      waiting.push(
        outcome.then(
          (told) => outcomes.push(told),
          (error: unknown) => faults.push(error),
        ),
      );
    }
  }
  await Promise.all(waiting);
  return { outcomes, faults };
}

class Cast {
  readonly #running: Running;
  readonly #sessions: string[];

  constructor(running: Running, sessions: string[]) {
    this.#running = running;
    this.#sessions = sessions;
  }

  take(step: Exclude<Step, { do: "pass" | "wait" }>): Promise<Outcome> {
    const { engine, admin } = this.#running;
    switch (step.do) {
      case "start": {
        const { max_actions, ttl_seconds, idle_timeout_seconds } = step;
        const parent_session_id = step.under === null ? null : this.#session(step.under);
        const agent_id = `a${step.agent}`;
        const { lease_seconds } = step;
        const on_lease_lost = lease_seconds === null ? null : step.on_lease_lost;
        const limits = { max_actions, ttl_seconds, idle_timeout_seconds, lease_seconds, on_lease_lost };
        const { max_tokens, on_exceeded, warn_at_percent } = step;
        const amounts = { max_tokens, on_exceeded, warn_at_percent };
        const more = { agent_id, parent_session_id, ...limits, ...amounts };
        const command = start(this.#actor(step.by), `s${this.#sessions.length}`, more);
        this.#sessions.push(command.session_id);
        return this.#repeatable(command, step.key, {});
      }
      case "intercept": {
        const session_id = step.session === null ? null : this.#session(step.session);
        const actor = this.#actor(step.by);
        const [command, enclosed] = step.text
          ? interceptWith(actor, session_id, { metadata: null, action_content: "read a file" })
          : [intercept(actor, session_id), {}];
        // Not both: a cost is known, or it is not.
        const estimate = step.cost === null ? tokens(step.estimate) : null;
        return this.#repeatable({ ...command, cost: tokens(step.cost), estimate }, step.key, enclosed);
      }
      case "settle": {
        const common = { actor: this.#actor(step.by), request_id: null };
        const decision_id = this.#reservation(step.reservation);
        const reported = tokens(step.tokens);
        return reported === null
          ? engine.submit({ type: "cancel_reservation", decision_id, ...common })
          : engine.submit({ type: "settle", decision_id, reported, ...common });
      }
      case "raise":
        return engine.submit(raise(admin, this.#session(step.session), { max_tokens: step.max_tokens }));
      case "kill":
        return engine.submit(kill(admin, this.#session(step.session)));
      case "pause":
        return engine.submit(pause(admin, this.#session(step.session)));
      case "resume":
        return engine.submit(resume(admin, this.#session(step.session)));
      case "halt": {
        const { workspace_id } = engine.state;
        const scope: Scope =
          step.agent === null
            ? { kind: "workspace", id: workspace_id }
            : { kind: "agent", id: `a${step.agent}` };
        return engine.submit(halt(admin, scope, step.mode));
      }
      case "lift":
        return engine.submit(lift(admin, this.#halt(step.halt)));
      case "end":
        return engine.submit(end(this.#actor(step.by), this.#session(step.session)));
      case "touch":
        return engine.submit(touch(this.#actor(step.by), this.#session(step.session)));
      case "acknowledge":
        return this.#acknowledge(step);
      case "register":
        return engine.submit(register(admin, `a${step.agent}`));
      case "revoke agent": {
        const more = { agent_id: `a${step.agent}`, reason: "", repeat: null };
        return engine.submit({ type: "revoke_agent", actor: admin, request_id: null, ...more });
      }
      case "revoke credential":
        return engine.submit(revokeCredential(admin, this.#credential(step.credential) ?? "none"));
      case "create key":
        return engine.submit(createKey(["agent"], admin));
    }
  }

  #acknowledge({ session, hears, says }: Extract<Step, { do: "acknowledge" }>): Promise<Outcome> {
    const { engine, admin } = this.#running;
    const session_id = this.#session(session);
    const sealed = engine.projection.state.sessions.get(session_id);
    if (hears && sealed !== undefined) {
      engine.halts.deliver(sealed, "stream");
    }
    const halt_id = engine.state.sessions.get(session_id)?.stop?.halt_id ?? "none";
    const delivered_at = engine.halts.delivery(session_id, halt_id)?.at ?? null;
    const evidence = says === "stopped" ? "tasks_cancelled" : null;
    return says === "nothing"
      ? engine.submit(touch(admin, session_id))
      : engine.submit(acknowledge(admin, session_id, halt_id, evidence, { delivered_at }));
  }

  #repeatable(
    command: Parameters<typeof underKey>[0],
    key: number | null,
    enclosed: Enclosed,
  ): Promise<Outcome> {
    if (key === null) {
      return this.#running.engine.submit(command, enclosed);
    }
    // Two requests under each key: one of them comes too late.
    const asked = underKey(command, `k${key >> 1}`, `{"n":${key & 1}}`, enclosed, saltOf(enclosed));
    return this.#running.engine.submit(asked.command, asked.enclosed);
  }

  #actor(by: number): Actor {
    const key_id = by < 3 ? null : this.#credential(by - 3);
    return key_id === null ? this.#running.admin : { key_id, role: "agent" };
  }

  #session(choice: number): string {
    return this.#sessions[choice % Math.max(this.#sessions.length, 1)] ?? "none";
  }

  #reservation(choice: number): string {
    const ids = [...this.#running.engine.state.reservations.keys()];
    return ids[choice % Math.max(ids.length, 1)] ?? "none";
  }

  #halt(choice: number): string {
    const ids = [...this.#running.engine.state.halts.keys()];
    return ids[choice % Math.max(ids.length, 1)] ?? "none";
  }

  #credential(choice: number): string | null {
    const ids = [...this.#running.engine.state.keys.keys()].filter((id) => id.startsWith("cred_"));
    return ids[choice % Math.max(ids.length, 1)] ?? null;
  }
}

function tokens(count: number | null): Amounts | null {
  return count === null ? null : { tokens: count, cost_usd_micros: 0 };
}

function saltOf({ details }: Enclosed): string | undefined {
  return details === null || details === undefined ? undefined : JSON.parse(details)._salt;
}
