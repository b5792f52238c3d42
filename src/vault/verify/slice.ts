/** What a slice may hold: a session's entries, what their causes name, and erasures of those. */
import { type Failure, failure } from "./code.js";
import type { Entry } from "./entry-check.js";
import type { EntryLines } from "./layout.js";
import { isObject } from "./shape.js";

export function checkSelection(lines: EntryLines, session_id: string): Failure | null {
  const shown = new Set<number>();
  for (let line = 0; line < lines.count; line++) {
    const { content, sequence_number } = lines.at(line) as Entry;
    if (content.session_id === session_id) {
      shown.add(sequence_number);
      if (isObject(content.cause) && typeof content.cause.sequence === "number") {
        shown.add(content.cause.sequence);
      }
    }
  }
  if (shown.size === 0) {
    return failure("slice.selection", "the bundle holds no entry of the session that it selects");
  }
  for (let line = 0; line < lines.count; line++) {
    const { content, sequence_number } = lines.at(line) as Entry;
    const targets = content.event === "erasure" && Array.isArray(content.targets) ? content.targets : [];
    const erases = targets.some((target) => isObject(target) && shown.has(target.sequence as number));
    if (!shown.has(sequence_number) && !erases) {
      return failure("slice.selection", "the entry has nothing to do with the session", sequence_number);
    }
  }
  return null;
}
