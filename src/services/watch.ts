/** The messages of watches, and when a watch ends with the key that it was opened with. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { WatchSessionRequest, WatchSessionResponseSchema } from "../../gen/killcord/v1/session_pb.js";
import { isExpired } from "../core/access.js";
import type { Key } from "../core/state.js";
import type { Reader } from "../engine/bell.js";
import type { Update } from "../engine/session-watch.js";
import { type Context, callerKey, faultOf } from "./context.js";
import type { Call } from "./door.js";
import { KillcordError } from "./errors.js";
import { readToken, tokenOf } from "./resume-token.js";
import { sessionView } from "./view.js";

/** Watches one session, which the caller may see. */
export async function* watchSession(
  context: Context,
  request: WatchSessionRequest,
  call: Call,
): AsyncGenerator<MessageInitShape<typeof WatchSessionResponseSchema>, void, undefined> {
  const from = fromToken(context, request.resumeToken);
  const { follower } = context.engine;
  yield* messages(context, follower.session(request.sessionId, readerOf(context, call), from));
}

/** The revision that a token names, or null without a token. @throws {KillcordError} as readToken */
function fromToken({ engine, vault }: Context, token: string): number | null {
  return token === "" ? null : readToken(token, vault.origin, engine.projection.size);
}

async function* messages(
  { engine, vault }: Context,
  updates: AsyncIterable<Update>,
): AsyncGenerator<MessageInitShape<typeof WatchSessionResponseSchema>, void, undefined> {
  try {
    for await (const update of updates) {
      const { revision } = update;
      const place = { revision: BigInt(revision), resumeToken: tokenOf(vault.origin, revision) };
      if (update.type === "state") {
        const { session } = update;
        const value = sessionView(session, engine.clock.now(), engine.lastHeard(session.session_id));
        yield { update: { case: "session", value }, ...place };
      } else {
        yield { update: { case: "bookmark", value: { draining: update.draining } }, ...place };
      }
    }
  } catch (error) {
    throw faultOf(error);
  }
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
