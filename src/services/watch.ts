/** Watches of sessions and of the log, and how a watch ends with the key that it was opened with. */
import { create } from "@bufbuild/protobuf";
import {
  type Session as SessionMessage,
  SessionStatus,
  type WatchSessionRequest,
  type WatchSessionResponse,
  WatchSessionResponseSchema,
  type WatchSessionsRequest,
  type WatchSessionsResponse,
  WatchSessionsResponseSchema,
} from "../../gen/killcord/v1/session_pb.js";
import { isExpired } from "../core/access.js";
import type { Key, Session } from "../core/state.js";
import type { Reader } from "../engine/bell.js";
import type { Update } from "../engine/session-watch.js";
import type { Selection } from "../engine/session-watcher.js";
import { type Context, callerKey, faultOf } from "./context.js";
import type { Call } from "./door.js";
import { KillcordError } from "./errors.js";
import { sightOf } from "./own.js";
import { readToken, tokenOf } from "./resume-token.js";
import { sessionView } from "./session-view.js";
import { statusOf } from "./view.js";

/** Watches one session, which the caller may see; `from` is what its token names. */
export function watchSession(
  context: Context,
  request: WatchSessionRequest,
  call: Call,
  from: number | null,
): AsyncIterable<WatchSessionResponse> {
  const updates = context.engine.follower.session(request.sessionId, readerOf(context, call), from);
  return messages(context, updates, of_one, call);
}

/** Watches the sessions that a request names, each of which the caller may see, or asks for; likewise. */
export function watchSessions(
  context: Context,
  request: WatchSessionsRequest,
  call: Call,
  from: number | null,
): AsyncIterable<WatchSessionsResponse> {
  const selection: Selection =
    request.sessionIds.length > 0
      ? { by: "ids", session_ids: [...new Set(request.sessionIds)] }
      : filterOf(context, request, call);
  const updates = context.engine.follower.sessions(selection, readerOf(context, call), from);
  return messages(context, updates, of_many, call);
}

function filterOf(context: Context, request: WatchSessionsRequest, call: Call): Selection {
  const { agentId: agent_id, label } = request;
  const key = callerKey(context, call);
  const sees = sightOf(context, call);
  const asked = new Set(request.status);
  // A session that was among those asked for while it was live is told when it stops, is held or goes on.
  const live_asked = asked.has(SessionStatus.ACTIVE) || asked.has(SessionStatus.PAUSED);
  const hasStatus = (session: Session, has_turned: boolean) =>
    asked.size === 0 || asked.has(statusOf(session)) || (live_asked && (has_turned || session.stop !== null));
  const own_agent = call.principal.role === "agent" ? key.agent_id : null;
  return {
    by: "filter",
    agent_id: agent_id ?? own_agent,
    matches: (session, has_turned) =>
      (agent_id === undefined || session.agent_id === agent_id) &&
      (label === undefined || session.label === label) &&
      hasStatus(session, has_turned) &&
      sees(session) &&
      !isAfterRevocation(key, session),
  };
}

/** A revoked credential learns of what its revocation stops, and of nothing that came later. */
export function isAfterRevocation({ revoked }: Key, session: Session): boolean {
  return revoked !== null && session.start_sequence > revoked.sequence;
}

/** The revision that a token names, or null without a token. @throws {KillcordError} as readToken */
export function revisionOf({ engine, vault }: Context, token: string): number | null {
  return token === "" ? null : readToken(token, vault.origin, engine.projection.size);
}

/** Where a message stands: up to where all is told, and how to go on from there. */
export function placeOf(
  { vault }: Context,
  revision: number,
): { readonly revision: bigint; readonly resumeToken: string } {
  return { revision: BigInt(revision), resumeToken: tokenOf(vault.origin, revision) };
}

interface Told {
  readonly update:
    | { readonly case: "session"; readonly value: SessionMessage }
    | { readonly case: "bookmark"; readonly value: { readonly draining: boolean } };
  readonly revision: bigint;
  readonly resumeToken: string;
}

/** Makes one kind of message; the newest of a state is kept, so that watches that tell the same share it. */
interface Kind<Message> {
  readonly make: (told: Told) => Message;
  readonly newest: WeakMap<Session, { readonly revision: number; readonly message: Message }>;
}

const of_one: Kind<WatchSessionResponse> = {
  make: (told) => create(WatchSessionResponseSchema, told),
  newest: new WeakMap(),
};
const of_many: Kind<WatchSessionsResponse> = {
  make: (told) => create(WatchSessionsResponseSchema, told),
  newest: new WeakMap(),
};

async function* messages<Message>(
  context: Context,
  updates: AsyncIterable<Update>,
  kind: Kind<Message>,
  { principal }: Call,
): AsyncGenerator<Message, void, undefined> {
  try {
    for await (const update of updates) {
      const { revision } = update;
      if (update.type === "state") {
        // An operator's watch tells nothing to the run itself.
        if (principal.role === "agent") {
          context.engine.halts.deliver(update.session, "stream");
        }
        yield stateMessage(context, update.session, revision, kind);
      } else {
        const value = { draining: update.draining };
        yield kind.make({ update: { case: "bookmark", value }, ...placeOf(context, revision) });
      }
    }
  } catch (error) {
    throw faultOf(error);
  }
}

function stateMessage<Message>(
  context: Context,
  session: Session,
  revision: number,
  { make, newest }: Kind<Message>,
): Message {
  const known = newest.get(session);
  if (known?.revision === revision) {
    return known.message;
  }
  const { clock } = context.engine;
  const value = sessionView(session, clock.now(), context.engine.lastHeard(session.session_id));
  const message = make({ update: { case: "session", value }, ...placeOf(context, revision) });
  newest.set(session, { revision, message });
  return message;
}

/** Whose watch it is: it ends when its key is revoked, and at the moment in which that expires. */
export function readerOf(context: Context, call: Call): Reader {
  return {
    signal: call.signal,
    until: callerKey(context, call).expires_at,
    refuse: (all_told) => refuseReader(context, callerKey(context, call), all_told),
  };
}

function refuseReader({ engine }: Context, key: Key, all_told: boolean): void {
  const is_spent =
    key.revoked === null
      ? isExpired(key, engine.clock.now())
      : key.kind === "key" || (all_told && !isStopping(engine.projection.state, key));
  if (is_spent) {
    throw new KillcordError(
      "expired_api_key",
      `the key ${key.key_id} was revoked or has expired: ask an admin for a new one`,
    );
  }
}

/**
 * Whether sessions of a revoked credential's agent are still to stop. Its watch has to tell that,
 * and ends when it has.
 */
function isStopping(state: Context["engine"]["projection"]["state"], key: Key): boolean {
  const revoked_at = key.revoked?.sequence ?? 0;
  const live = key.agent_id === null ? undefined : state.agents.get(key.agent_id)?.live_sessions;
  for (const session_id of live ?? []) {
    const session = state.sessions.get(session_id);
    if (session !== undefined && session.start_sequence < revoked_at) {
      return true;
    }
  }
  return false;
}
