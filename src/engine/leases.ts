/**
 * When the client of each session with a lease was heard. A renewal is one entry of a map and touches
 * no timer: the session's turn in the heap comes by its old deadline, and is put off then. Nothing of
 * it is sealed, so after a restart every lease starts anew.
 */
import type { Unstamped } from "../core/command.js";
import type { LostLease } from "../core/command-parts.js";
import type { Event } from "../core/event.js";
import { leaseDeadline, leaseGrace } from "../core/lease.js";
import { pathFromRoot } from "../core/scope.js";
import type { Session, State } from "../core/state.js";
import { limits } from "../limits.js";
import type { Clock } from "./clock.js";
import { sessionsNamed } from "./sessions-named.js";

const none: readonly LostLease[] = [];

export class Leases {
  readonly #state: State;
  readonly #clock: Clock;
  readonly #onHeardAgain: (session: Session) => void;
  /** From when the lease of each live session runs. */
  readonly #runs_from = new Map<string, number>();
  /** Whose lease was lost, and who was not heard since: it is not watched, or would be lost over and over. */
  readonly #silent = new Set<string>();
  /** When the engine was last seen awake, and when it last woke after it was not. */
  #beat_at = 0;
  #woke_at = 0;
  #call_off: (() => void) | null = null;
  #stopped = false;

  /** @param onHeardAgain is told of a session whose lease runs again after it was lost */
  constructor(state: State, clock: Clock, onHeardAgain: (session: Session) => void) {
    this.#state = state;
    this.#clock = clock;
    this.#onHeardAgain = onHeardAgain;
  }

  /** Takes in the live sessions that a replay left. */
  start(): void {
    const now = this.#clock.now();
    for (const session of this.#state.sessions.values()) {
      if (session.lease_seconds !== null && session.stop === null) {
        this.#watch(session.session_id, now);
      }
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#call_off?.();
    this.#call_off = null;
  }

  /** Takes in what has just been decided. */
  onDecided(events: readonly Event[]): void {
    for (const event of events) {
      switch (event.event) {
        case "session_started":
          if (event.lease_seconds !== null) {
            this.#watch(event.session_id, event.at);
          }
          break;
        case "lease_lost":
          this.#silent.add(event.session_id);
          break;
        case "session_resumed":
          // Who lets it go on starts its lease: a client that is gone is lost again.
          this.renew(event.session_id, event.at);
          break;
        case "session_killed":
        case "session_expired":
        case "session_ended":
          this.#runs_from.delete(event.session_id);
          this.#silent.delete(event.session_id);
          break;
        default:
      }
    }
  }

  /** The client of a session was heard: its lease, if it has one, runs anew. */
  renew(session_id: string, at: number): void {
    if (!this.#runs_from.has(session_id)) {
      return;
    }
    this.#runs_from.set(session_id, at);
    if (this.#silent.delete(session_id)) {
      this.#onHeardAgain(this.#state.sessions.get(session_id) as Session);
    }
  }

  /** When the lease of a session is lost, as things are; null when none is watched. */
  deadline({ session_id, lease_seconds }: Session): number | null {
    const runs_from = this.#runs_from.get(session_id);
    if (lease_seconds === null || runs_from === undefined || this.#silent.has(session_id)) {
      return null;
    }
    // What was sent to a server that slept lies in its sockets: it is heard first.
    return Math.max(leaseDeadline(lease_seconds, runs_from), this.#wokeAt() + leaseGrace(lease_seconds));
  }

  /**
   * Leases that are lost at a time, of the session that a command names and of those above it, from the
   * root down. The client of a sub-session does not speak for the one above: that may be another process.
   */
  lostBy(command: Unstamped, at: number): readonly LostLease[] {
    if (this.#runs_from.size === 0) {
      return none;
    }
    const session_id = command.type === "intercept" ? command.session_id : sessionsNamed(command)[0];
    const session = session_id == null ? undefined : this.#state.sessions.get(session_id);
    return session === undefined ? none : this.lostOn(session, at);
  }

  /** Those of a session and of those above it. */
  lostOn(session: Session, at: number): readonly LostLease[] {
    if (this.#runs_from.size === 0 || session.stop !== null) {
      return none;
    }
    if (session.parent_session_id === null) {
      return this.#isLost(session, at) ? [this.#loss(session)] : none;
    }
    return pathFromRoot(this.#state, session)
      .filter((each) => this.#isLost(each, at))
      .map((each) => this.#loss(each));
  }

  #isLost(session: Session, at: number): boolean {
    const deadline = session.stop === null ? this.deadline(session) : null;
    return deadline !== null && at >= deadline;
  }

  #loss({ session_id }: Session): LostLease {
    return { session_id, last_heard_at: this.#runs_from.get(session_id) as number };
  }

  #watch(session_id: string, at: number): void {
    this.#runs_from.set(session_id, at);
    if (this.#call_off === null && !this.#stopped) {
      this.#beat_at = this.#clock.now();
      this.#beat();
    }
  }

  /** While leases run the engine looks at itself. */
  #beat(): void {
    this.#wokeAt();
    this.#call_off =
      this.#runs_from.size === 0 ? null : this.#clock.after(limits.awake_ms, () => this.#beat());
  }

  /** When the engine last woke: from a stop of its process, of the machine, or of its event loop. */
  #wokeAt(): number {
    const now = this.#clock.now();
    if (now - this.#beat_at > limits.stall_ms) {
      this.#woke_at = now;
    }
    this.#beat_at = now;
    return this.#woke_at;
  }
}
