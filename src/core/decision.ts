/** What decide returns: a reply, and the events that make it true. */
import type { Command, Repeatable } from "./command.js";
import { afterStop } from "./escalation-over.js";
import type { Event } from "./event.js";
import type { Idempotency } from "./idempotency.js";
import type { State } from "./state.js";

/** Why a command is refused: a stable code (docs/errors.md) and a text that says what to do. */
export type RefusalCode =
  | "invalid_api_key"
  | "expired_api_key"
  | "insufficient_permissions"
  | "session_required"
  | "agent_suspended"
  | "credential_revoked"
  | "session_not_found"
  | "agent_not_found"
  | "credential_not_found"
  | "key_not_found"
  | "halt_not_found"
  | "escalation_already_resolved"
  | "policy_not_found"
  | "session_not_active"
  | "session_not_stopped"
  | "scope_halted"
  | "above_ceiling"
  | "already_exists"
  | "invalid_argument"
  | "last_admin_key"
  | "idempotency_key_mismatch"
  | "session_limit_reached"
  | "limit_reached"
  | "invalid_argument";

/** What is wrong with one member of what was asked: its path, with dots, and what should be there. */
export interface Fault {
  readonly field: string;
  readonly issue: string;
}

export type Reply =
  | {
      readonly type: "refused";
      readonly code: RefusalCode;
      readonly message: string;
      readonly details?: readonly Fault[];
    }
  /** `replayed`: the answer of an earlier call with the same idempotency key. */
  | { readonly type: "session"; readonly session_id: string; readonly replayed: boolean }
  | {
      readonly type: "verdict";
      /** Index of the decision's entry, which may be an earlier one. */
      readonly sequence: number;
      readonly replayed: boolean;
      /** Set when a stopped session's newest `terminate` is repeated without an entry of its own. */
      readonly repeats_terminate_of: string | null;
      /** Ids of the policies that judged it, in order of precedence; absent when none did. Not sealed. */
      readonly evaluated?: readonly string[];
    }
  | { readonly type: "agent"; readonly agent_id: string; readonly created: boolean }
  | { readonly type: "key"; readonly key_id: string; readonly replayed: boolean }
  /** An order that was given, or was to be lifted: one that is not in force is for the caller to look up. */
  | { readonly type: "halt"; readonly halt_id: string; readonly replayed: boolean }
  /** A reservation that was ended now, by the entry at `sequence`; null where none is open: for the caller to look up. */
  | { readonly type: "settlement"; readonly decision_id: string; readonly sequence: number | null }
  | {
      readonly type: "policy";
      readonly policy_id: string;
      readonly version: number;
      readonly replayed: boolean;
    }
  | { readonly type: "escalation"; readonly escalation_id: string }
  | { readonly type: "drill"; readonly drill_id: string }
  | { readonly type: "done" };

export interface Decision {
  readonly reply: Reply;
  readonly events: readonly Event[];
}

export function refuse(code: RefusalCode, message: string, details?: readonly Fault[]): Decision {
  const refused = { type: "refused", code, message } as const;
  return { reply: details === undefined ? refused : { ...refused, details }, events: [] };
}

export function answer(reply: Reply): Decision {
  return { reply, events: [] };
}

/** Omits a member from each member of a union by itself. */
type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** An event without what the draft fills in. */
export type NewEvent = Without<Event, "at" | "session_index" | "request_id" | "idempotency">;

/** What the draft fills in. */
interface Place {
  at?: number;
  session_index?: number | null;
  request_id?: string;
  idempotency?: Idempotency;
}

/**
 * The events of one command, in the order in which they will stand in the log: what binds first,
 * then what follows from it, then the decision. Gives each its place before it is sealed, so that
 * later events can name earlier ones as their cause.
 */
export class Draft {
  readonly events: Event[] = [];
  readonly #state: State;
  readonly #command: Command;
  readonly #session_entries = new Map<string, number>();

  constructor(state: State, command: Command) {
    this.#state = state;
    this.#command = command;
  }

  /** Index that the next event added will have. */
  get next_sequence(): number {
    return this.#state.next_sequence + this.events.length;
  }

  /** Of the policies in force. */
  get policy_set_digest(): string {
    return this.#state.policy_set_digest;
  }

  /**
   * Adds an event, which becomes the draft's own, and returns its index. After the end of a session come
   * those of the escalations that wait in it: nobody can answer them any more.
   *
   * @param repeat of the command, on the event that a repeat is answered by
   */
  add(event: NewEvent, repeat: Repeatable | null = null): number {
    const sequence = this.next_sequence;
    const { at, request_id } = this.#command;
    // Filled in and not copied: one is drafted for every action.
    const placed: NewEvent & Place = event;
    placed.at = at;
    if ("session_id" in event) {
      placed.session_index = event.session_id === null ? null : this.#nextIndex(event.session_id);
    }
    if (request_id !== null) {
      placed.request_id = request_id;
    }
    if (repeat !== null) {
      const { key_digest, request_digest, salt } = repeat;
      placed.idempotency = { key_digest, request_digest, salt };
    }
    this.events.push(placed as Event);
    if (
      event.event === "session_killed" ||
      event.event === "session_expired" ||
      event.event === "session_ended"
    ) {
      this.#endEscalations(event.session_id);
    }
    return sequence;
  }

  #endEscalations(session_id: string): void {
    const { session_escalations, escalations } = this.#state;
    for (const escalation_id of session_escalations.get(session_id) ?? []) {
      const pending = escalations.get(escalation_id);
      if (pending !== undefined) {
        this.add(afterStop(pending));
      }
    }
  }

  #nextIndex(session_id: string): number {
    const drafted = this.#session_entries.get(session_id) ?? 0;
    this.#session_entries.set(session_id, drafted + 1);
    return (this.#state.sessions.get(session_id)?.next_session_index ?? 0) + drafted;
  }
}
