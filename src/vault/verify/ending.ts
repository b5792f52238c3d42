/** The checks at the end of the log: erasures, lists of cascades, and stops that nobody carried out. */
import { limits } from "../../limits.js";
import { byCodePoint } from "../canonical.js";
import { type EndCode, type Failure, failure, quoted } from "./code.js";
import type { Content } from "./content.js";
import { pathOf } from "./scope.js";
import type { Debt, Order, Session, State } from "./state.js";

/** At most one finding an entry, in index order. */
export function endFailures(state: State): Failure[] {
  const found = new Map<number, Failure>();
  const note = (sequence: number, code: EndCode, why: string) => {
    if (!found.has(sequence)) {
      found.set(sequence, failure(code, why, sequence));
    }
  };
  checkErasures(state, note);
  if (state.header.kind === "full") {
    checkCascades(state, note);
    checkOrders(state, note);
  }
  checkDebts(state.debts, note);
  return [...found.values()].sort((a, b) => (a.sequence as number) - (b.sequence as number));
}

type Note = (sequence: number, code: EndCode, why: string) => void;

function checkErasures(state: State, note: Note): void {
  for (const sequence of state.missing) {
    if (!state.erasures.has(sequence)) {
      note(sequence, "erasure.unauthorised", "the details are gone and no erasure says why");
    }
  }
  for (const [target, erasure] of state.erasures) {
    if (state.digests.has(target) && !state.missing.has(target)) {
      note(target, "erasure.incomplete", `erased by entry ${erasure}, yet the details are there`);
    }
  }
}

function checkCascades(state: State, note: Note): void {
  for (const [sequence, content] of state.causes) {
    const { killed, paused } = state.followers.get(sequence) ?? { killed: [], paused: 0 };
    const why = cascadeFault(content, killed, paused);
    if (why !== null) {
      note(sequence, "behaviour.cascade_mismatch", why);
    }
  }
}

function cascadeFault(content: Content, killed: readonly string[], paused: number): string | null {
  switch (content.event) {
    case "halt_requested": {
      const named = killed.length + paused;
      return content.session_count === named
        ? null
        : `session_count is ${content.session_count}, ${named} entries name the order as their cause`;
    }
    case "credential_revoked":
    case "agent_revoked": {
      if (content.killed_count !== killed.length) {
        return `killed_count is ${content.killed_count}, ${killed.length} kills name it as their cause`;
      }
      const listed = [...killed].sort(byCodePoint).slice(0, limits.killed_sessions_listed);
      const same =
        listed.length === content.killed_sessions.length &&
        listed.every((id, i) => id === content.killed_sessions[i]);
      return same ? null : "killed_sessions are not the sessions whose kills name it as their cause";
    }
    default:
      return null;
  }
}

/** What is still live at the end must not have stood under a stop. */
function checkOrders(state: State, note: Note): void {
  for (const session of state.sessions.values()) {
    if (session.ended !== null) {
      continue;
    }
    const who = `session ${quoted(session.id)}`;
    const parent = session.lineage[1];
    if (parent?.ended != null) {
      note(parent.ended, "behaviour.no_end", `${who} lives on after its parent`);
    }
    for (const key of pathOf(state, session)) {
      for (const order of ordersSince(state, key, session)) {
        if (order.mode === "kill" || !wasPaused(session, order.sequence)) {
          note(order.sequence, "behaviour.no_end", `${who} was not stopped by it (${order.mode})`);
        }
      }
    }
  }
}

/** The orders on a scope that found the session live: newest first, to stop at those before its start. */
function* ordersSince(state: State, key: string, session: Session): Generator<Order> {
  const orders = state.orders.get(key) ?? [];
  for (let i = orders.length - 1; i >= 0; i--) {
    const order = orders[i] as Order;
    if (order.sequence < session.start_sequence) {
      return;
    }
    yield order;
  }
}

/** Held already when the order came, or held by it, or held with an ancestor after it. */
function wasPaused(session: Session, order: number): boolean {
  return session.pauses.some(
    ({ from, until, cause, inherited }) =>
      cause === order || (from > order ? inherited : until === null || until > order),
  );
}

function checkDebts(debts: readonly Debt[], note: Note): void {
  for (const { sequence, mode, session, was_paused } of debts) {
    const paid =
      mode === "kill"
        ? session.ended !== null
        : was_paused || session.pauses.some(({ cause }) => cause === sequence);
    if (!paid) {
      note(sequence, "behaviour.no_end", `session ${quoted(session.id)} was not stopped by it (${mode})`);
    }
  }
}
