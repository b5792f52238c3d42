/** SessionService: opens, shows, watches and stops runs. */
import { randomBytes } from "node:crypto";
import {
  type KillSessionRequest,
  KillSessionRequestSchema,
  type ListSessionsRequest,
  type Session as SessionMessage,
  type SessionService,
  type StartSessionRequest,
  StartSessionRequestSchema,
} from "../../gen/killcord/v1/session_pb.js";
import { system_actor } from "../core/actor.js";
import type { Unstamped } from "../core/command.js";
import type { Session } from "../core/state.js";
import type { Enclosed } from "../engine/outcome.js";
import { acknowledge } from "./acknowledge.js";
import { budgetsAsked } from "./budgets.js";
import { by, type Context, callerKey, keep, submit } from "./context.js";
import type { Call } from "./door.js";
import { KillcordError } from "./errors.js";
import type { Handlers } from "./handlers.js";
import { leaseAsked } from "./lease.js";
import { refuseForeign, sightOf } from "./own.js";
import { cut, matching, pageOf } from "./page.js";
import { answered, present, shown } from "./present.js";
import { updateBudgets } from "./raise.js";
import { sessionView } from "./session-view.js";
import { given, statusAsked } from "./view.js";
import { isAfterRevocation, revisionOf, watchSession, watchSessions } from "./watch.js";

export function sessionService(context: Context): Handlers<typeof SessionService> {
  return {
    startSession: (request, call) => startSession(context, request, call),
    listSessions: (request, call) => listSessions(context, request, call),
    getSession: async ({ sessionId }, call) => ({ session: await readSession(context, call, sessionId) }),
    heartbeat: async ({ sessionId }, call) => {
      const { reply } = await submit(
        context,
        call,
        { type: "touch_session", session_id: sessionId, ...by(call) },
        "session",
        { renews: true },
      );
      context.engine.heard(reply.session_id, context.engine.clock.now());
      const session = await answered(context, reply.session_id);
      context.engine.halts.deliver(session, "heartbeat");
      return { session: shown(context, session) };
    },
    killSession: (request, call) => killSession(context, request, call),
    pauseSession: ({ sessionId, reason }, call) =>
      stand(context, call, {
        type: "pause_session",
        session_id: sessionId,
        reason: reason || "paused by operator",
        ...by(call),
      }),
    resumeSession: ({ sessionId, reason }, call) =>
      stand(context, call, {
        type: "resume_session",
        session_id: sessionId,
        reason: reason || "resumed by operator",
        ...by(call),
      }),
    updateBudgets: (request, call) => updateBudgets(context, request, call),
    endSession: ({ sessionId }, call) =>
      stand(context, call, { type: "end_session", session_id: sessionId, ...by(call) }),
    acknowledgeHalt: async (request, call) => {
      await acknowledge(context, call, request, false);
      return { session: await present(context, request.sessionId) };
    },
    watchSession: async function* (request, call) {
      // First: a log that was rolled back may lack the session, too, and the token tells why.
      const from = revisionOf(context, request.resumeToken);
      await visible(context, call, request.sessionId);
      yield* watchSession(context, request, call, from);
    },
    watchSessions: async function* (request, call) {
      const from = revisionOf(context, request.resumeToken);
      for (const session_id of new Set(request.sessionIds)) {
        await visible(context, call, session_id);
      }
      yield* watchSessions(context, request, call, from);
    },
  };
}

async function killSession(context: Context, request: KillSessionRequest, call: Call) {
  const { sessionId } = request;
  const { repeat, request: text } = keep(KillSessionRequestSchema, request, "KillSession", [sessionId]);
  const reason = request.reason || "killed by operator";
  return stand(
    context,
    call,
    { type: "kill_session", session_id: sessionId, reason, repeat, ...by(call) },
    { request: text },
  );
}

/** Has a command decided that is about one session, and shows the session with the status it has. */
async function stand(
  context: Context,
  call: Call,
  command: Unstamped,
  enclosed: Enclosed = {},
): Promise<{ session: SessionMessage }> {
  const { reply } = await submit(context, call, command, "session", enclosed);
  return { session: await present(context, reply.session_id) };
}

async function startSession(context: Context, request: StartSessionRequest, call: Call) {
  const { repeat, request: text } = keep(StartSessionRequestSchema, request, "StartSession", []);
  const drill_id = context.rehearsals?.of(call.principal.key_id, request.label) ?? null;
  const { reply } = await submit(
    context,
    call,
    {
      type: "start_session",
      ...given("drill_id", drill_id),
      session_id: newSessionId(),
      agent_id: request.agentId ?? null,
      label: request.label ?? null,
      credential_id: request.credentialId ?? null,
      parent_session_id: request.parentSessionId ?? null,
      ...budgetsAsked(request.budgets),
      ...leaseAsked(request),
      repeat,
      ...by(call),
    },
    "session",
    { request: text },
  );
  if (drill_id !== null) {
    context.rehearsals?.opened(drill_id, reply.session_id);
  }
  return { session: await present(context, reply.session_id) };
}

/** `sess_`, two digits for the partition that owns it (one so far), 22 random hex digits. */
function newSessionId(): string {
  return `sess_00${randomBytes(11).toString("hex")}`;
}

/** A session that the caller may see; one whose time is over expires before it is shown. */
async function visible(context: Context, call: Call, session_id: string): Promise<Session> {
  const { engine } = context;
  const session = await engine.projection.session(session_id);
  if (session === null) {
    throw new KillcordError(
      "session_not_found",
      `there is no session ${JSON.stringify(session_id.slice(0, 64))} in this workspace`,
    );
  }
  refuseForeign(context, call, session, "the session is another agent's");
  // What the revocation stops it may see already: the stop is on its way to the log.
  const key = callerKey(context, call);
  if (session.stop === null && isAfterRevocation(key, session)) {
    throw new KillcordError(
      "expired_api_key",
      `the key ${key.key_id} was revoked: ask an admin for a new one`,
    );
  }
  return session;
}

async function readSession(context: Context, call: Call, session_id: string): Promise<SessionMessage> {
  const { engine } = context;
  const session = await visible(context, call, session_id);
  if (engine.isOverdue(session_id)) {
    await submit(
      context,
      call,
      { type: "touch_session", session_id, actor: system_actor, request_id: call.request_id },
      "session",
    );
    return present(context, session_id);
  }
  return sessionView(session, engine.clock.now(), engine.lastHeard(session_id));
}

async function listSessions(context: Context, request: ListSessionsRequest, call: Call) {
  const { engine } = context;
  const wanted = filterOf(context, request, call);
  const filter = [...request.status].sort().join(",");
  const page = pageOf(request, `sessions|${filter}|${request.agentId ?? ""}|${request.credentialId ?? ""}`);
  const { rows, ...rest } = await cut(page, matching(sessionsInOrder(context), wanted), isAfter, placeOf);
  const now = engine.clock.now();
  const sessions = rows.map((session) => sessionView(session, now, engine.lastHeard(session.session_id)));
  return { sessions, ...rest };
}

/** Active sessions, then those that are held, then stopped ones, newest start first in each. */
async function* sessionsInOrder({ engine }: Context): AsyncGenerator<Session, void, undefined> {
  yield* engine.projection.liveSessions();
  yield* engine.projection.stoppedSessions(engine.projection.size);
}

function placeOf(session: Session): string {
  return `${rankOf(session)} ${session.start_sequence}`;
}

function rankOf({ stop, pause }: Session): number {
  return stop !== null ? 2 : pause === null ? 0 : 1;
}

function isAfter(session: Session, place: string): boolean {
  const [rank, start_sequence] = place.split(" ").map(Number) as [number, number];
  const own = rankOf(session);
  return own === rank ? session.start_sequence < start_sequence : own > rank;
}

function filterOf(context: Context, request: ListSessionsRequest, call: Call): (session: Session) => boolean {
  const statuses = request.status.map(statusAsked);
  const sees = sightOf(context, call);
  return (session) =>
    (statuses.length === 0 || statuses.includes(session.status)) &&
    (request.agentId === undefined || session.agent_id === request.agentId) &&
    (request.credentialId === undefined || session.credential_id === request.credentialId) &&
    sees(session);
}
