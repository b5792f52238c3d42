/** What a caller may see of others: everything, or, as agent, its own alone (roles.ts says where). */
import { owns } from "../core/access.js";
import { type Context, callerKey } from "./context.js";
import type { Call } from "./door.js";
import { KillcordError } from "./errors.js";

/** What is somebody's: a session, or a decision. */
export interface Owned {
  readonly agent_id: string | null;
  /** The key that started the session, or asked for the action. */
  readonly started_by: string | null;
}

/** Tells what a caller may see; the key is looked up once, so this is good for one turn or one list. */
export function sightOf(context: Context, call: Call): (subject: Owned) => boolean {
  if (call.principal.role !== "agent") {
    return () => true;
  }
  const key = callerKey(context, call);
  return (subject) => owns(key, subject);
}

/**
 * Refuses what is not the caller's own.
 *
 * @param what says whose it is, e.g. "the session is another agent's"
 * @throws {KillcordError} insufficient_permissions
 */
export function refuseForeign(context: Context, call: Call, subject: Owned, what: string): void {
  if (!sightOf(context, call)(subject)) {
    throw new KillcordError("insufficient_permissions", `${what}: use the key or credential that it runs on`);
  }
}
