/** What a log says of sessions, by a reading of its own: what watchers are held against. */

export interface Sealed {
  readonly session_id: string;
  readonly agent_id: string | null;
  readonly label: string | null;
  readonly parent: string | null;
  /** Index of its start. */
  readonly start: number;
  /** Actions that count, its own and those of its sub-sessions. */
  actions: number;
  /** The pause that holds it, while it is live. */
  paused: string | null;
  stop: Stop | null;
}

export interface Stop {
  readonly sequence: number;
  readonly status: "killed" | "expired" | "ended";
  readonly halt_id: string | null;
  readonly stop_reason: string | null;
  readonly reason: string | null;
}

interface Content {
  readonly event: string;
  readonly [member: string]: unknown;
}

export class SealedLog {
  readonly sessions = new Map<string, Sealed>();
  /** Stops that are sealed, in their order. */
  readonly stopped: Sealed[] = [];
  /** Index of a credential's revocation by its agent: what started later is none of its business. */
  readonly revoked = new Map<string, number>();
  halts = 0;
  /** Stops and pauses that somebody said, or nobody said in time, to have taken place. */
  confirmed = 0;
  unconfirmed = 0;
  /** Actions that were allowed. */
  allowed = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Takes the next entry's content. */
  take(content: Content): void {
    const sequence = this.#size;
    this.#size += 1;
    const text = (name: string) => (typeof content[name] === "string" ? (content[name] as string) : null);
    const session_id = text("session_id");
    switch (content.event) {
      case "session_started":
        this.sessions.set(session_id as string, {
          session_id: session_id as string,
          agent_id: text("agent_id"),
          label: (content.labels as readonly string[])[0] ?? null,
          parent: text("parent_session_id"),
          start: sequence,
          actions: 0,
          paused: null,
          stop: null,
        });
        return;
      case "session_killed":
      case "session_expired":
      case "session_ended": {
        const session = this.sessions.get(session_id as string);
        if (session === undefined || session.stop !== null) {
          throw new Error(`entry ${sequence} stops ${session_id}, which does not run`);
        }
        const status = content.event.slice("session_".length) as Stop["status"];
        const halt_id = text("halt_id");
        session.stop = {
          sequence,
          status,
          halt_id,
          stop_reason: text("stop_reason"),
          reason: text("reason"),
        };
        this.stopped.push(session);
        return;
      }
      case "session_paused":
      case "session_resumed":
        (this.sessions.get(session_id as string) as Sealed).paused =
          content.event === "session_paused" ? text("halt_id") : null;
        return;
      case "halt_requested":
        this.halts += 1;
        return;
      case "halt_confirmed":
        this.confirmed += 1;
        return;
      case "halt_unconfirmed":
        this.unconfirmed += 1;
        return;
      case "enforcement_decision":
        if (content.decision === "allow") {
          this.allowed += 1;
          for (let at = this.sessions.get(session_id ?? ""); at !== undefined; ) {
            at.actions += 1;
            at = this.sessions.get(at.parent ?? "");
          }
        }
        return;
      case "credential_revoked":
      case "agent_revoked":
        this.revoked.set(text("agent_id") as string, sequence);
        return;
      default:
    }
  }
}
