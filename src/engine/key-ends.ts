/**
 * Tells, at once and on time, that a key is good no more: for streams, which stay open long after
 * the key was looked at. Calls need none of it: their key is checked when they are decided.
 */
import { isExpired } from "../core/access.js";
import type { Event } from "../core/event.js";
import type { Key, State } from "../core/state.js";
import type { Clock } from "./clock.js";

/** A timer of Node overflows above this and would fire at once. */
const wait_ms_max = 2 ** 31 - 1;

export class KeyEnds {
  readonly #state: Readonly<State>;
  readonly #clock: Clock;
  /** Looks again at the keys of open streams. */
  readonly #looks = new Map<string, Set<() => void>>();

  constructor(state: Readonly<State>, clock: Clock) {
    this.#state = state;
    this.#clock = clock;
  }

  /** How many streams there are that a key ends. */
  get watched(): number {
    let count = 0;
    for (const looks of this.#looks.values()) {
      count += looks.size;
    }
    return count;
  }

  /**
   * Calls `ended` once, when the key is revoked or past its end, which may be before this returns.
   * Calling what this returns calls that off.
   */
  onEnd(key_id: string, ended: (key: Key) => void): () => void {
    const looks = this.#looks.get(key_id) ?? new Set();
    this.#looks.set(key_id, looks);
    let callOff = () => {};
    const leave = () => {
      callOff();
      looks.delete(look);
      if (looks.size === 0) {
        this.#looks.delete(key_id);
      }
    };
    const look = () => {
      callOff();
      const key = this.#state.keys.get(key_id);
      const now = this.#clock.now();
      if (key !== undefined && (key.revoked !== null || isExpired(key, now))) {
        leave();
        ended(key);
      } else if (key !== undefined && key.expires_at !== null) {
        callOff = this.#clock.after(Math.min(key.expires_at - now, wait_ms_max), look);
      }
    };
    looks.add(look);
    look();
    return leave;
  }

  /** A key may have been revoked, or have got an end by a rotation. */
  onDecided(events: readonly Event[]): void {
    if (this.#looks.size > 0 && events.some(concernsKeys)) {
      for (const looks of [...this.#looks.values()]) {
        for (const look of [...looks]) {
          look();
        }
      }
    }
  }
}

function concernsKeys(event: Event): boolean {
  switch (event.event) {
    case "api_key_revoked":
    case "credential_revoked":
    case "agent_revoked":
      return true;
    case "api_key_created":
    case "credential_issued":
      return event.replaces !== undefined;
    default:
      return false;
  }
}
