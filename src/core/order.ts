/** Halts: orders on scopes, which stop or hold what is live there and stand until they are lifted. */
import { limits } from "../limits.js";
import { quoted, refuseSession } from "./access.js";
import type { Actor } from "./actor.js";
import type { KillSession, LiftHalt, OrderHalt, PauseSession, Repeatable, ResumeSession } from "./command.js";
import { answer, type Decision, Draft, refuse } from "./decision.js";
import type { HaltMode, Scope } from "./event-halt.js";
import { idAt } from "./ids.js";
import { pauseByOrder, release, resume } from "./pause.js";
import { keptRepeat, refuseOtherRequest } from "./repeat.js";
import { sessionsOn } from "./scope.js";
import { sessionReply, touchOrStopped } from "./session.js";
import { haltedText, haltOn, haltOnScope } from "./standing.js";
import type { Release, Session, State } from "./state.js";
import { killByOrder } from "./stop.js";

export function orderHalt(state: State, command: OrderHalt): Decision {
  const kept = keptRepeat(state, command);
  if (kept !== null) {
    return refuseOtherRequest(command) ?? haltReply(idAt("halt", kept.sequence), true);
  }
  const stopped = command.scope.kind === "session" ? refuseStopped(state, command, command.scope.id) : null;
  const refusal = stopped ?? refuseNumber(state, command);
  if (refusal !== null) {
    return refusal;
  }
  const draft = new Draft(state, command);
  const halt_id = drafted(state, draft, command);
  return { reply: haltReply(halt_id, false).reply, events: draft.events };
}

/** Refuses a session that is not there, or that has stopped: nothing is left to order. */
function refuseStopped(
  state: State,
  command: OrderHalt | ResumeSession,
  session_id: string,
): Decision | null {
  const refusal = refuseSession(state, command, session_id);
  if (refusal !== null) {
    return refusal;
  }
  const session = state.sessions.get(session_id) as Session;
  const touched = touchOrStopped(state, command, session);
  return touched === null
    ? null
    : {
        reply: refuse("session_not_active", `the session ${quoted(session_id)} has stopped, for good`).reply,
        events: touched.events,
      };
}

/** The kill of one session never counts: it is over as soon as it is given. */
function refuseNumber(state: State, { scope, mode }: Pick<OrderHalt, "scope" | "mode">): Decision | null {
  const stays = scope.kind !== "session" || mode === "pause";
  return stays && state.halts.size >= limits.halts_in_force
    ? refuse("limit_reached", `${limits.halts_in_force} orders are in force: lift some`)
    : null;
}

interface Order {
  readonly actor: Actor;
  readonly scope: Scope;
  readonly mode: HaltMode;
  readonly reason: string;
  readonly drill_id: string | null;
  readonly repeat: Repeatable | null;
}

/** Seals an order and what it does at once. Returns its id. */
function drafted(
  state: State,
  draft: Draft,
  { actor, scope, mode, reason, drill_id, repeat }: Order,
): string {
  const live = sessionsOn(state, scope);
  const sessions = mode === "kill" ? live : live.filter(({ pause }) => pause === null);
  const halt_id = idAt("halt", draft.next_sequence);
  const sequence = draft.add(
    {
      event: "halt_requested",
      actor,
      halt_id,
      scope,
      mode,
      reason,
      session_count: sessions.length,
      drill_id,
    },
    repeat,
  );
  const session_id = scope.kind === "session" ? scope.id : null;
  const order = { event: "halt_requested", sequence, reason, halt_id, session_id, drill_id } as const;
  for (const session of sessions) {
    if (mode === "kill") {
      killByOrder(draft, session, order, actor);
    } else {
      pauseByOrder(draft, session, order, actor);
    }
  }
  return halt_id;
}

function haltReply(halt_id: string, replayed: boolean): Decision {
  return answer({ type: "halt", halt_id, replayed });
}

export function liftHalt(state: State, command: LiftHalt): Decision {
  const halt = state.halts.get(command.halt_id);
  const reply = haltReply(command.halt_id, false);
  if (halt === undefined) {
    return reply;
  }
  const draft = new Draft(state, command);
  const why = lift(draft, command, halt.halt_id);
  release(state, draft, sessionsOn(state, halt.scope), why, new Set([halt.halt_id]), new Set());
  return { reply: reply.reply, events: draft.events };
}

function lift(
  draft: Draft,
  { actor, reason }: LiftHalt | ResumeSession,
  halt_id: string,
): Release & { readonly actor: Actor } {
  const sequence = draft.add({ event: "halt_lifted", actor, halt_id, reason });
  return { actor, reason, cause: { event: "halt_lifted", sequence } };
}

export function killSession(state: State, command: KillSession): Decision {
  const refusal = refuseSession(state, command, command.session_id);
  if (refusal !== null) {
    return refusal;
  }
  const kept = keptRepeat(state, command);
  if (kept !== null) {
    return refuseOtherRequest(command) ?? sessionReply(command.session_id, true);
  }
  // The first stop wins, and time may have been first.
  const touched = touchOrStopped(state, command, state.sessions.get(command.session_id) as Session);
  return touched ?? orderOnSession(state, command, "kill");
}

export function pauseSession(state: State, command: PauseSession): Decision {
  const refusal = refuseSession(state, command, command.session_id);
  if (refusal !== null) {
    return refusal;
  }
  const session = state.sessions.get(command.session_id) as Session;
  const touched = touchOrStopped(state, command, session);
  if (touched !== null) {
    return touched;
  }
  // What holds it otherwise may end by itself: a raised budget, a parent that goes on. An order does not.
  return haltOnScope(state, "session", session.session_id) === null
    ? orderOnSession(state, command, "pause")
    : sessionReply(session.session_id, false);
}

function orderOnSession(state: State, command: KillSession | PauseSession, mode: HaltMode): Decision {
  const { actor, reason, session_id } = command;
  const repeat = command.type === "kill_session" ? command.repeat : null;
  const scope = { kind: "session", id: session_id } as const;
  const refusal = refuseNumber(state, { scope, mode });
  if (refusal !== null) {
    return refusal;
  }
  const draft = new Draft(state, command);
  drafted(state, draft, { actor, scope, mode, reason, drill_id: null, repeat });
  return { reply: sessionReply(session_id, false).reply, events: draft.events };
}

export function resumeSession(state: State, command: ResumeSession): Decision {
  const refusal = refuseStopped(state, command, command.session_id);
  if (refusal !== null) {
    return refusal;
  }
  const session = state.sessions.get(command.session_id) as Session;
  if (session.pause === null) {
    return sessionReply(session.session_id, false);
  }
  const own = new Set(state.scopes.session.get(session.session_id)?.halts);
  const wider = haltOn(state, session, own);
  if (wider !== null) {
    return refuse("scope_halted", haltedText(wider));
  }
  const parent =
    session.parent_session_id === null ? undefined : state.sessions.get(session.parent_session_id);
  if (parent !== undefined && parent.pause !== null) {
    return refuse(
      "scope_halted",
      `the parent session ${quoted(parent.session_id)} is paused: resume that one`,
    );
  }
  return resumed(state, command, session, own);
}

/** Lifts a session's own orders, lets it go on, and all below it that nothing else holds. */
function resumed(state: State, command: ResumeSession, session: Session, own: ReadonlySet<string>): Decision {
  const { actor, reason } = command;
  const draft = new Draft(state, command);
  let why: Release | null = null;
  for (const halt_id of own) {
    why = lift(draft, command, halt_id);
  }
  const sequence = resume(draft, session, { actor, reason, cause: why?.cause ?? null });
  why ??= { reason, cause: { event: "session_resumed", sequence } };
  const below = sessionsOn(state, { kind: "session", id: session.session_id });
  release(state, draft, below, { ...why, actor }, own, new Set([session.session_id]));
  return { reply: sessionReply(session.session_id, false).reply, events: draft.events };
}
