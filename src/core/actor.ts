/** Who acts: a key in one of its roles, or the engine itself. */

/** What a key may do. */
export type Role = "agent" | "operator" | "approver" | "auditor" | "admin";

/** Who caused an event: a key with the role that it used, or the engine itself. */
export interface Actor {
  readonly key_id: string | null;
  readonly role: Role | "system";
}

/** The engine itself: timers, budgets, cascades without a person. */
export const system_actor: Actor = { key_id: null, role: "system" };
