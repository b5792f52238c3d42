/** What evidence shows that passed every stage. */
import { toBase64 } from "../encoding.js";
import type { Checkpoints } from "./checkpoints.js";
import { type Findings, type Report, remarksOf, type SessionReport } from "./report.js";
import type { State } from "./state.js";
import type { Trust } from "./trust.js";

/** @param signers entry keys that signed at least one entry */
export function claims(
  state: State,
  signers: readonly string[],
  checkpoints: Checkpoints,
  trust: Trust,
  word: Findings["trust"],
): Report {
  const { header } = state;
  const erased = [...state.missing].sort((a, b) => a - b);
  const sessions = [...state.sessions.values()].map(({ id, status, next_index }): [string, SessionReport] => [
    id,
    { status, last_index: next_index - 1 },
  ]);
  const { newest } = checkpoints;
  return {
    exit: 0,
    code: null,
    failures: [],
    kind: header.kind,
    entries: header.entry_count,
    tree_size: newest.size,
    root: toBase64(newest.root),
    authentic: true,
    complete_to: header.kind === "full" ? header.entry_count : null,
    witnessed: { quorum: trust.witness_quorum, by: newest.witnesses.map(({ key }) => key.name) },
    erased,
    sessions: Object.fromEntries(sessions),
    trust: word,
    remarks: {
      ...remarksOf(trust, checkpoints),
      signers,
      roots: [...new Set(signers.map((id) => state.keys.get(id)?.root_key_id as string))],
      erasures: state.erasures,
    },
  };
}
