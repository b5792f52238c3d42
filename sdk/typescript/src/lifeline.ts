/**
 * Keeps a session's lease, and asks for its state where no stream can tell it. Both are heartbeats.
 *
 * The lease is counted on a monotonic clock from the moment in which the call was sent that was later
 * answered: so this side is always at its end before the server is, which counts from when it received
 * it. Only a round trip renews it.
 */
import type { ConnectError } from "@connectrpc/connect";
import type { Session as WireSession } from "../gen/killcord/v1/session_pb.js";
import type { Connection } from "./connection.js";
import { callError, failureKind } from "./failure.js";
import { backoffMs, type Timer } from "./platform.js";

/** Whose life it is. */
export interface Living {
  readonly id: string;
  /** A heartbeat was answered. */
  heard(session: WireSession, polling: boolean): void;
  /** The lease is over. It goes on trying: the server may still be in time. */
  lost(): void;
  /** The server will never answer a heartbeat of this session: the key or the session is gone. */
  refused(failure: ConnectError): void;
}

/** Longest time between two questions when no stream tells the state. */
const poll_ms_max = 1000;
/** Longest wait for the answer of one heartbeat. */
const beat_ms_max = 2500;

export class Lifeline {
  readonly #connection: Connection;
  readonly #living: Living;
  /** Infinity without a lease. */
  readonly #lease_ms: number;
  #sent_ms: number;
  /** When the last heartbeat failed, and how many did since one was answered. */
  #failed_ms = 0;
  #failures = 0;
  /** How often the key was refused since a heartbeat was answered. */
  #denials = 0;
  #polling = false;
  #told_lost = false;
  #beating: Promise<WireSession | null> | null = null;
  #over = false;
  #timer: Timer | null = null;

  /** @param sent_ms when the call that opened the session was first sent */
  constructor(connection: Connection, living: Living, lease_seconds: number | null, sent_ms: number) {
    this.#connection = connection;
    this.#living = living;
    this.#lease_ms = lease_seconds === null ? Number.POSITIVE_INFINITY : lease_seconds * 1000;
    this.#sent_ms = sent_ms;
    this.#schedule();
  }

  /** A call that was sent then was answered. */
  renewed(sent_ms: number): void {
    if (this.#over || sent_ms <= this.#sent_ms) return;
    this.#sent_ms = sent_ms;
    this.#told_lost = this.#isPast();
    this.#schedule();
  }

  /**
   * Looks at the clock, whatever timers did: a process that was suspended finds out here.
   *
   * @returns whether the lease is over
   */
  check(): boolean {
    if (this.#over || !this.#isPast()) return false;
    if (!this.#told_lost) {
      this.#told_lost = true;
      this.#living.lost();
    }
    return true;
  }

  /** Whether the state has to be asked for, because no stream tells it. */
  poll(polling: boolean): void {
    if (this.#polling === polling) return;
    this.#polling = polling;
    this.#schedule();
  }

  /**
   * Asks now.
   *
   * @returns the session as it is; null when it could not be had
   */
  ask(): Promise<WireSession | null> {
    if (this.#over) return Promise.resolve(null);
    if (this.#beating === null) {
      this.#beating = this.#beat();
      // The lease can end while the answer is waited for.
      this.#schedule();
    }
    return this.#beating;
  }

  /** The session needs no life any more. */
  end(): void {
    this.#over = true;
    this.#timer?.cancel();
  }

  #isPast(): boolean {
    return this.#now() - this.#sent_ms >= this.#lease_ms;
  }

  #now(): number {
    return this.#connection.platform.clock.nowMs();
  }

  #every(): number {
    return this.#polling ? Math.min(poll_ms_max, this.#lease_ms / 3) : this.#lease_ms / 3;
  }

  #schedule(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#over) return;
    const beat_ms =
      this.#failures === 0
        ? this.#sent_ms + this.#every()
        : this.#failed_ms +
          Math.min(backoffMs(this.#connection.platform.random, this.#failures), this.#every());
    const end_ms = this.#told_lost ? Number.POSITIVE_INFINITY : this.#sent_ms + this.#lease_ms;
    const next_ms = Math.min(this.#beating !== null ? Number.POSITIVE_INFINITY : beat_ms, end_ms);
    if (next_ms === Number.POSITIVE_INFINITY) return;
    this.#timer = this.#connection.platform.clock.after(Math.max(0, next_ms - this.#now()), () =>
      this.#due(),
    );
  }

  #due(): void {
    // The lease before anything else: on waking up from a suspension both are due.
    this.check();
    if (this.#beating === null) void this.ask();
    else this.#schedule();
  }

  async #beat(): Promise<WireSession | null> {
    const sent_ms = this.#now();
    const { services } = this.#connection;
    // In time for another try within the lease.
    const timeoutMs = Math.ceil(Math.max(250, Math.min(beat_ms_max, this.#lease_ms / 3)));
    let session: WireSession | null = null;
    try {
      const reply = await services.sessions.heartbeat({ sessionId: this.#living.id }, { timeoutMs });
      session = reply.session ?? null;
      this.#failures = 0;
      this.#denials = 0;
      this.#connection.answered();
    } catch (thrown) {
      this.#failed(callError(thrown), services);
    }
    this.#beating = null;
    if (session !== null && !this.#over) {
      this.renewed(sent_ms);
      this.#living.heard(session, this.#polling);
    }
    this.check();
    this.#schedule();
    return session;
  }

  #failed(failure: ConnectError, services: Connection["services"]): void {
    if (this.#over) return;
    this.#failed_ms = this.#now();
    this.#failures += 1;
    const kind = failureKind(failure);
    if (kind === "denied") {
      // A revocation is not one moment with the stops that it brings about: a credential that was
      // refused may hear of its stop when it asks once more.
      this.#denials += 1;
      if (this.#denials > 1) this.#living.refused(failure);
      return;
    }
    if (kind === "refused") {
      this.#living.refused(failure);
      return;
    }
    this.#connection.failing(failure);
    this.#connection.suspect(services, failure);
  }
}
