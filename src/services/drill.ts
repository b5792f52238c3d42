/**
 * Rehearses a stop: a client on the server's own port opens a session, the caller's order stops it, and
 * the client must hear of that and say so, by the same way as any other. How it went is sealed.
 */
import { progressOf } from "../core/halt.js";
import { limits } from "../limits.js";
import { by, type Context, faultOf, submit } from "./context.js";
import type { Call } from "./door.js";
import { DrillKey } from "./drill-key.js";
import { KillcordError } from "./errors.js";
import type { DrillClient, DrillFailure, OpenDrillClient, Rehearsals, Rehearsed } from "./rehearsal.js";

/** One that is under way, with what is known of it so far. */
interface UnderWay {
  readonly drill_id: string;
  readonly key_id: string;
  session_id: string | null;
  halt_id: string | null;
  readonly elapsed_ms: { requested?: number; delivered?: number; acknowledged?: number; confirmed?: number };
}

type Parts = Pick<Context, "engine" | "vault">;

export class Drills implements Rehearsals {
  readonly #parts: Parts;
  readonly #open: OpenDrillClient;
  readonly #onEnded: (drill: Rehearsed) => void;
  readonly #key: DrillKey;
  readonly #under_way = new Map<string, UnderWay>();
  #running = 0;

  /** @param onEnded is told of each, for whoever keeps watch */
  constructor(parts: Parts, open: OpenDrillClient, onEnded: (drill: Rehearsed) => void = () => {}) {
    this.#parts = parts;
    this.#open = open;
    this.#onEnded = onEnded;
    this.#key = new DrillKey(parts.engine, parts.vault.pepper, "killcord drill client", "agent");
  }

  of(key_id: string, label: string | undefined): string | null {
    const drill = this.#under_way.get(label ?? "");
    return drill?.key_id === key_id && drill.session_id === null ? drill.drill_id : null;
  }

  opened(drill_id: string, session_id: string): void {
    const drill = this.#under_way.get(drill_id);
    if (drill !== undefined) {
      drill.session_id = session_id;
    }
  }

  async run(call: Call, agent_id: string): Promise<Rehearsed> {
    if (this.#running >= limits.drills_at_once) {
      const text = `${limits.drills_at_once} drills are under way: wait for one to end`;
      throw new KillcordError("overloaded", text, { retry_after_ms: 1000 });
    }
    this.#running += 1;
    try {
      const rehearsed = await this.#run(call, agent_id);
      this.#onEnded(rehearsed);
      return rehearsed;
    } finally {
      this.#running -= 1;
    }
  }

  async #run(call: Call, agent_id: string): Promise<Rehearsed> {
    const { key_id, secret } = await this.#key.get().catch((error: unknown) => {
      throw faultOf(error);
    });
    const begin = { type: "start_drill", agent_id, ...by(call) } as const;
    const { drill_id } = (await submit(this.#parts, call, begin, "drill")).reply;
    const drill: UnderWay = { drill_id, key_id, session_id: null, halt_id: null, elapsed_ms: {} };
    this.#under_way.set(drill_id, drill);
    try {
      const failure = await this.#rehearse(call, drill, agent_id, secret);
      await this.#leave(call, drill);
      return await this.#seal(call, drill, failure);
    } finally {
      this.#under_way.delete(drill_id);
    }
  }

  async #rehearse(
    call: Call,
    drill: UnderWay,
    agent_id: string,
    secret: string,
  ): Promise<DrillFailure | null> {
    const client = this.#open(secret);
    try {
      await this.#steps(call, drill, agent_id, client);
      const session = await this.#parts.engine.projection.session(drill.session_id ?? "");
      const { confirmed_at, unconfirmed_at } = session === null ? nothing : progressOf(session);
      if (confirmed_at !== null && unconfirmed_at === null) {
        return null;
      }
      const missing = "it was not confirmed before the deadline";
      return { missing, code: null, message: missing };
    } catch (error) {
      if (!(error instanceof Missing)) {
        throw error;
      }
      const { missing, code, message } = error;
      return { missing, code, message };
    } finally {
      client.close();
    }
  }

  async #steps(call: Call, drill: UnderWay, agent_id: string, client: DrillClient): Promise<void> {
    const { elapsed_ms } = drill;
    const session_id = await this.#within(client.start(agent_id, drill.drill_id), "no session was opened");
    let ready = () => {};
    const watching = new Promise<void>((resolve) => {
      ready = resolve;
    });
    const stopped = client.stopped(session_id, ready);
    // A watch that fails is heard of below, a moment later.
    stopped.catch(() => {});
    await this.#within(Promise.race([watching, stopped]), "the session's watch told nothing");
    const began_ms = performance.now();
    const since = () => performance.now() - began_ms;
    const { alarms, halts } = this.#parts.engine;
    // Rings in the turn of the seal, before anybody is told.
    const silence = alarms.set(session_id, () => {
      elapsed_ms.requested ??= since();
    });
    const order = this.#order(call, drill.drill_id, session_id).finally(silence);
    drill.halt_id = await this.#within(order, "the stop was not sealed");
    const halt_id = await this.#within(stopped, "the client did not hear of its stop");
    elapsed_ms.delivered =
      (halts.delivery(session_id, halt_id)?.monotonic_ms ?? performance.now()) - began_ms;
    const stopping = client.acknowledge(session_id, halt_id, "stopping");
    await this.#within(stopping, "the client did not say that it is stopping");
    elapsed_ms.acknowledged = since();
    const confirmed = client.acknowledge(session_id, halt_id, "stopped");
    await this.#within(confirmed, "the client did not say that it has stopped");
    elapsed_ms.confirmed = since();
  }

  /** By the command of every order on a session. Its actor is who asked for the drill. */
  async #order(call: Call, drill_id: string, session_id: string): Promise<string> {
    const scope = { kind: "session", id: session_id } as const;
    const order = {
      type: "order_halt",
      scope,
      mode: "kill",
      reason: drill_reason,
      drill_id,
      repeat: null,
    } as const;
    return (await submit(this.#parts, call, { ...order, ...by(call) }, "halt")).reply.halt_id;
  }

  /** A client has as long as any other to confirm, and not so long that nobody would wait for the answer. */
  #within<T>(work: Promise<T>, missing: string): Promise<T> {
    const { clock, halts } = this.#parts.engine;
    const wait_ms = Math.min(halts.confirm_ms, limits.drill_step_ms);
    return new Promise<T>((resolve, reject) => {
      const callOff = clock.after(wait_ms, () =>
        reject(new Missing(missing, null, ` within ${wait_ms / 1000} s`)),
      );
      const failed = (error: Error & { readonly code?: unknown }) =>
        reject(
          new Missing(missing, typeof error.code === "string" ? error.code : null, `: ${error.message}`),
        );
      work.then(resolve, failed).finally(callOff);
    });
  }

  /** Ends a session that was never ordered to stop. One that cannot be ended expires. */
  async #leave(call: Call, { session_id, halt_id, key_id }: UnderWay): Promise<void> {
    if (session_id !== null && halt_id === null) {
      const actor = { key_id, role: "agent" } as const;
      const end = { type: "end_session", session_id, actor, request_id: call.request_id } as const;
      await submit(this.#parts, call, end, "session").catch(() => {});
    }
  }

  async #seal(call: Call, drill: UnderWay, failure: DrillFailure | null): Promise<Rehearsed> {
    const { drill_id, session_id, halt_id, elapsed_ms } = drill;
    const outcome = failure === null ? "confirmed" : "unconfirmed";
    const rounded = Object.entries(elapsed_ms).map(([step, ms]) => [step, Math.round(ms)]);
    const sealed_ms = rounded.length === 0 ? null : Object.fromEntries(rounded);
    const end = {
      type: "end_drill",
      drill_id,
      session_id,
      outcome,
      elapsed_ms: sealed_ms,
      ...by(call),
    } as const;
    const { entries } = await submit(this.#parts, call, end, "drill");
    const entry_id = entries[0]?.entry_id ?? "";
    return { drill_id, session_id, halt_id, outcome, elapsed_ms, failure, entry_id };
  }
}

/** A step of a drill that was not reached. */
class Missing extends Error {
  readonly missing: string;
  readonly code: string | null;

  constructor(missing: string, code: string | null, why: string) {
    super(missing + why);
    this.missing = missing;
    this.code = code;
  }
}

const drill_reason = "rehearsal of a stop";
const nothing = { confirmed_at: null, unconfirmed_at: null };
