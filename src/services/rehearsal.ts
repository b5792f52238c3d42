/** What a rehearsal of a stop is made of: who runs it, and the client that it is run with. */
import type { Call } from "./door.js";

/** The client of a drill: a program like any other, on a connection of its own to the server's port. */
export interface DrillClient {
  /** Opens the session of the drill, which expires by itself after a while. Answers its id. */
  start(agent_id: string, label: string): Promise<string>;
  /**
   * Watches the session.
   *
   * @param ready is called when the watch has shown it as active
   * @returns the stop that the watch has told
   */
  stopped(session_id: string, ready: () => void): Promise<string>;
  /** Says that it is stopping, or that it has stopped; resolves when that is sealed. */
  acknowledge(session_id: string, halt_id: string, phase: "stopping" | "stopped"): Promise<void>;
  /** Ends every call that is under way. */
  close(): void;
}

/** Opens one that calls with a key. Nothing is sent before it is used. */
export type OpenDrillClient = (secret: string) => DrillClient;

/** The steps of a stop, in their order. */
export const drill_steps = ["requested", "delivered", "acknowledged", "confirmed"] as const;

/** Why a drill was not confirmed. */
export interface DrillFailure {
  /** What did not come, in words of ours: a log line may hold them. */
  readonly missing: string;
  /** The code of what it was refused or failed by, or null. */
  readonly code: string | null;
  /** The whole, for people; it may repeat what callers said. */
  readonly message: string;
}

/** How a drill went. */
export interface Rehearsed {
  readonly drill_id: string;
  readonly session_id: string | null;
  readonly halt_id: string | null;
  readonly outcome: "confirmed" | "unconfirmed";
  /** Since the stop was asked for, monotonic; those steps that were reached. */
  readonly elapsed_ms: { readonly [step in (typeof drill_steps)[number]]?: number };
  /** What went wrong; null when it was confirmed. */
  readonly failure: DrillFailure | null;
  /** Of the entry that ends it. */
  readonly entry_id: string;
}

/** The drills of a server. */
export interface Rehearsals {
  /** Runs one for whoever calls, who is the person that orders its stop. @throws {KillcordError} */
  run(call: Call, agent_id: string): Promise<Rehearsed>;
  /** The drill that a session belongs to which a key opens with a label, or null. */
  of(key_id: string, label: string | undefined): string | null;
  /** That session is there. */
  opened(drill_id: string, session_id: string): void;
}
