/** A policy in force, or one that is switched off. */
import type { PolicyDocument } from "./document.js";

export interface Policy {
  readonly document: PolicyDocument;
  /** 1 and up. */
  readonly version: number;
  /** Index of the entry that set this version: the cause of what it stops. */
  readonly sequence: number;
  readonly created_at: number;
  readonly updated_at: number;
}

/** In which order policies are judged and named: the higher priority, then the name by code units. */
export function byPrecedence({ document: a }: Policy, { document: b }: Policy): number {
  if (a.priority !== b.priority) {
    return b.priority - a.priority;
  }
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
