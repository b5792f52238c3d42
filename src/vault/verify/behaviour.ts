/** Stage H, behaviour: the checks of one entry, in the order of vault-format.md, 9. */
import { fromBase64, sameBytes } from "../encoding.js";
import { rootAt } from "../merkle.js";
import { parseNoteKey } from "../note.js";
import { killWithoutActor, killWithoutCause, terminateWithoutCause } from "./causes.js";
import type { BehaviourCode } from "./code.js";
import type { Heartbeat, VaultOpened } from "./content.js";
import { countMismatch, overBudget } from "./counts.js";
import {
  actionAfterEnd,
  allowAfterExpiry,
  allowWhileHalted,
  allowWhilePaused,
  approvedAfterEnd,
  startWhileStopped,
} from "./permissions.js";
import { unknownReference } from "./references.js";
import { type Item, type State, sessionOf } from "./state.js";
import { transition } from "./transitions.js";

/** Null, or what is wrong. None of them changes the state. */
type Check = (state: State, item: Item) => string | null;

const checks: readonly (readonly [BehaviourCode, Check])[] = [
  ["behaviour.genesis", genesis],
  ["behaviour.unknown_reference", unknownReference],
  ["behaviour.session_index", sessionIndex],
  ["behaviour.start_while_stopped", startWhileStopped],
  ["behaviour.action_after_end", actionAfterEnd],
  ["behaviour.allow_while_halted", allowWhileHalted],
  ["behaviour.allow_while_paused", allowWhilePaused],
  ["behaviour.allow_after_expiry", allowAfterExpiry],
  ["behaviour.over_budget", overBudget],
  ["behaviour.count_mismatch", countMismatch],
  ["behaviour.terminate_without_cause", terminateWithoutCause],
  ["behaviour.kill_without_cause", killWithoutCause],
  ["behaviour.kill_without_actor", killWithoutActor],
  ["behaviour.transition", transition],
  ["behaviour.ack_without_halt", ackWithoutHalt],
  ["behaviour.approved_after_end", approvedAfterEnd],
  ["behaviour.heartbeat", heartbeat],
];

export interface BehaviourFault {
  readonly code: BehaviourCode;
  readonly why: string;
}

/** The first thing wrong with what an entry does at this point of the log, or null. */
export function behaviourFault(state: State, item: Item): BehaviourFault | null {
  for (const [code, check] of checks) {
    const why = check(state, item);
    if (why !== null) {
      return { code, why };
    }
  }
  return null;
}

function genesis(state: State, { sequence, content, key_id }: Item): string | null {
  if (content.event !== "vault_opened") {
    return sequence === 0 ? "the log does not begin with vault_opened" : null;
  }
  return sequence === 0 ? genesisFault(state, content, key_id) : "the log was opened before";
}

function genesisFault(state: State, content: VaultOpened, key_id: string): string | null {
  const { header, keys, sha256 } = state;
  if (content.origin !== header.log || content.workspace_id !== header.workspace_id) {
    return "vault_opened is that of another log";
  }
  const stated = content.entry_key;
  const listed = keys.get(key_id);
  const same =
    listed !== undefined &&
    stated.key_id === key_id &&
    stated.public_key === listed.public_key &&
    stated.backend === listed.backend &&
    stated.created_at === listed.created_at &&
    stated.first_sequence === listed.first_sequence &&
    stated.root_key_id === listed.root_key_id &&
    stated.certificate === listed.certificate;
  if (!same || content.entry_root_key_id !== listed.root_key_id) {
    return "vault_opened names another entry key than the one that signed it";
  }
  const named = content.checkpoint_keys.map((vkey) => parseNoteKey(vkey, sha256));
  return named.every((key) => key !== null && key.type !== 0x04 && key.name === header.log)
    ? null
    : "vault_opened names checkpoint keys that are none of this log";
}

function sessionIndex(state: State, { content }: Item): string | null {
  if (!("session_id" in content) || content.session_id == null) {
    return null;
  }
  if (content.event === "session_started") {
    return content.session_index === 0 ? null : "a session's start has session_index 0";
  }
  const session = sessionOf(state, content);
  if (session === undefined) {
    return "the session's start is not shown";
  }
  return content.session_index === session.next_index
    ? null
    : `session_index is ${content.session_index}, next is ${session.next_index}`;
}

function ackWithoutHalt(state: State, { content }: Item): string | null {
  switch (content.event) {
    case "halt_acknowledged":
    case "halt_confirmed":
    case "halt_unconfirmed":
      return sessionOf(state, content)?.halt_ids.has(content.halt_id) === true
        ? null
        : "no stop of this session had this halt_id";
    default:
      return null;
  }
}

function heartbeat(state: State, { sequence, content }: Item): string | null {
  return content.event === "heartbeat" && state.tree !== null
    ? heartbeatFault(state, content, sequence)
    : null;
}

function heartbeatFault(state: State, content: Heartbeat, sequence: number): string | null {
  for (const counter of ["decisions", "terminations", "live_sessions"] as const) {
    if (content[counter] !== state[counter]) {
      return `states ${content[counter]} ${counter}, counted are ${state[counter]}`;
    }
  }
  if (content.tree === null || state.tree === null) {
    return null;
  }
  const { size, root } = content.tree;
  const stated = fromBase64(root);
  return size <= sequence && stated !== null && sameBytes(stated, rootAt(state.tree, size, state.sha256))
    ? null
    : `states another root of the first ${size} entries`;
}
