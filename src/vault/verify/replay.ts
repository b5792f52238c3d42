/** Stage H: one replay in index order, then the end checks (vault-format.md, 9). */
import type { HashTree } from "../merkle.js";
import type { VerifyCrypto } from "../verify-crypto.js";
import { behaviourFault } from "./behaviour.js";
import type { Failure } from "./code.js";
import type { Content } from "./content.js";
import { type ContentFault, contentFault } from "./content-check.js";
import { endFailures } from "./ending.js";
import type { Entry } from "./entry-check.js";
import { evolve, noteCause } from "./evolve.js";
import type { Header } from "./header.js";
import type { EntryKeys } from "./keys.js";
import type { EntryLines } from "./layout.js";
import { checkSelection } from "./slice.js";
import { type Item, newState, type State } from "./state.js";

/** What the stages before have shown of the bundle. */
export interface Authentic {
  readonly header: Header;
  readonly keys: EntryKeys;
  readonly lines: EntryLines;
  /** Null in a slice. */
  readonly tree: HashTree | null;
}

/** What of an entry a replay looks at. */
export type Replayed = Pick<Entry, "sequence_number" | "signed_at" | "content" | "details"> & {
  readonly signature: { readonly key_id: string };
};

/** The state at the end of the log, and what was found wrong on the way. */
export function replay(
  { header, keys, lines, tree }: Authentic,
  sha256: VerifyCrypto["sha256"],
): { readonly state: State; readonly failures: readonly Failure[] } {
  const played = new Replay(header, keys, tree, sha256);
  const strange = header.session_id === null ? null : checkSelection(lines, header.session_id);
  if (strange !== null) {
    return { state: played.state, failures: [strange] };
  }
  for (let line = 0; line < lines.count; line++) {
    const entry = lines.at(line) as Entry;
    played.take(entry, contentFault(entry, played.last_at));
  }
  return { state: played.state, failures: played.end() };
}

/** A replay under way. */
export class Replay {
  readonly state: State;
  readonly #failures: Failure[] = [];
  #last_at = "";

  constructor(header: Header, keys: EntryKeys, tree: HashTree | null, sha256: VerifyCrypto["sha256"]) {
    this.state = newState(header, keys, tree, sha256);
  }

  /** The `at` of the last entry whose content was right. */
  get last_at(): string {
    return this.#last_at;
  }

  /** @param content what is wrong with the entry's content itself */
  take(entry: Replayed, content: ContentFault | null): void {
    const sequence = entry.sequence_number;
    const item = { sequence, content: entry.content as unknown as Content, key_id: entry.signature.key_id };
    const fault = content ?? behaviourOf(this.state, item);
    if (fault !== null) {
      this.#failures.push({ ...fault, sequence });
    }
    // Without its members an entry cannot be replayed.
    if (content?.code !== "content.event" && content?.code !== "content.schema") {
      absorb(this.state, item);
    }
    if (content === null) {
      this.#last_at = item.content.at;
    }
    noteDetails(this.state, entry);
  }

  /** What was found; the checks at the end of the log only when nothing was found before. */
  end(): readonly Failure[] {
    return this.#failures.length > 0 ? this.#failures : endFailures(this.state);
  }
}

/** Of a slice, entries of other sessions are shown as causes only. */
function isForeign(state: State, { content }: Item): boolean {
  const { session_id } = state.header;
  return session_id !== null && "session_id" in content && (content.session_id ?? session_id) !== session_id;
}

function behaviourOf(state: State, item: Item): ReturnType<typeof behaviourFault> {
  return isForeign(state, item) ? null : behaviourFault(state, item);
}

function absorb(state: State, item: Item): void {
  noteCause(state, item);
  if (!isForeign(state, item)) {
    evolve(state, item);
  }
}

function noteDetails(state: State, { sequence_number, content, details }: Replayed): void {
  if (typeof content.details_digest === "string") {
    state.digests.set(sequence_number, content.details_digest);
    if (details === undefined) {
      state.missing.add(sequence_number);
    }
  }
}
