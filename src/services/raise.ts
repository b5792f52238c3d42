/** UpdateBudgets: raises limits of a session. */
import type { Session, UpdateBudgetsRequest } from "../../gen/killcord/v1/session_pb.js";
import { by, type Context, submit } from "./context.js";
import type { Call } from "./door.js";
import { present } from "./present.js";

export async function updateBudgets(
  context: Context,
  { sessionId }: UpdateBudgetsRequest,
  call: Call,
): Promise<{ session: Session }> {
  const command = { type: "touch_session", session_id: sessionId, ...by(call) } as const;
  const { reply } = await submit(context, call, command, "session");
  return { session: await present(context, reply.session_id) };
}
