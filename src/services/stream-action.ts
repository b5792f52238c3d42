/** One action as a stream brings it. */
import {
  type InterceptRequest,
  InterceptRequestSchema,
  type StreamIntercept,
} from "../../gen/killcord/v1/enforcement_pb.js";
import { invalid, validate } from "./validate.js";

/**
 * The request that an intercept on a stream is.
 *
 * @param opened the session of the stream, or the refusal of one that is not open
 * @throws {KillcordError}
 */
export function actionOf({ ref, action }: StreamIntercept, opened: () => string): InterceptRequest {
  if (ref === 0) {
    throw invalid([{ field: "intercept.ref", issue: "1 and up: the answer carries it" }]);
  }
  if (action === undefined) {
    throw invalid([{ field: "intercept.action", issue: "value is required" }]);
  }
  const session_id = opened();
  action.sessionId ??= session_id;
  if (action.sessionId !== session_id) {
    throw invalid([{ field: "session_id", issue: "the stream is open on another session" }]);
  }
  validate(InterceptRequestSchema, action);
  return action;
}
