/**
 * The state as text and back, so that a start need not replay the whole log. What the text means
 * depends on the rules that made it: other rules replay.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { emptyState, type State } from "../core/state.js";

/** A digest of the rules as they are compiled: another one means that the state may mean something else. */
const rules = (() => {
  const folder = new URL("../core/", import.meta.url);
  const digest = createHash("sha256");
  for (const name of readdirSync(folder, { encoding: "utf8", recursive: true })
    .filter((file) => file.endsWith(".js"))
    .sort()) {
    digest.update(name).update(readFileSync(new URL(name, folder)));
  }
  return digest.digest("hex");
})();

interface Snapshot {
  readonly rules: string;
  readonly state: State;
}

/** The state as text: JSON, in which maps and sets are objects with one member. */
export function snapshotText(state: Readonly<State>): string {
  return JSON.stringify({ rules, state }, (_, value: unknown) => {
    if (value instanceof Map) {
      return { "@map": [...value] };
    }
    return value instanceof Set ? { "@set": [...value] } : value;
  });
}

/** The state that a text is, a new one at each call; or null when other rules wrote it. */
export function stateOf(text: string): State | null {
  const snapshot = JSON.parse(text, (_, value: unknown) => {
    if (typeof value === "object" && value !== null) {
      const { "@map": map, "@set": set } = value as { readonly "@map"?: never; readonly "@set"?: never };
      if (map !== undefined) {
        return new Map(map);
      }
      return set === undefined ? value : new Set(set);
    }
    return value;
  }) as Snapshot;
  const members = Object.keys(emptyState()).sort().join();
  const is_ours = snapshot.rules === rules && Object.keys(snapshot.state).sort().join() === members;
  return is_ours ? snapshot.state : null;
}
