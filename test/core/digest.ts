/** The whole state as one text: equal texts, equal states. */
import type { State } from "../../src/core/state.js";

/** Whatever has an order that means something, by its member: oldest first. */
const ordered = new Set([
  "stopped",
  "session_repeats",
  "principal_repeats",
  "credential_ids",
  "reservations",
]);

export function digest(state: State): string {
  return JSON.stringify(plain(state, false));
}

function plain(value: unknown, keep_order: boolean): unknown {
  if (value instanceof Map) {
    const entries = [...value].map(([key, member]) => [key, plain(member, keep_order)]);
    return keep_order ? entries : entries.sort(byFirst);
  }
  if (value instanceof Set) {
    return keep_order ? [...value] : [...value].sort();
  }
  if (Array.isArray(value)) {
    return value.map((member) => plain(member, keep_order));
  }
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .map(([name, member]): [string, unknown] => [name, plain(member, ordered.has(name))])
        .sort(byFirst),
    );
  }
  return value;
}

function byFirst(a: readonly unknown[], b: readonly unknown[]): number {
  return (a[0] as string) < (b[0] as string) ? -1 : 1;
}
