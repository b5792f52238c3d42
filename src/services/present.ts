/** Sessions as they are after a command that named them. */
import type { Session as SessionMessage } from "../../gen/killcord/v1/session_pb.js";
import type { Session } from "../core/state.js";
import type { Context } from "./context.js";
import { sessionView } from "./session-view.js";

/** The session as a message. */
export async function present(context: Context, session_id: string): Promise<SessionMessage> {
  return shown(context, await answered(context, session_id));
}

/** The session itself. */
export async function answered({ engine }: Context, session_id: string): Promise<Session> {
  const session = await engine.projection.session(session_id);
  if (session === null) {
    throw new Error(`session ${session_id} was answered and is not there`);
  }
  return session;
}

export function shown({ engine }: Context, session: Session): SessionMessage {
  return sessionView(session, engine.clock.now(), engine.lastHeard(session.session_id));
}
