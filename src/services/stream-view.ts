/** What an InterceptStream says, as messages. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  DirectiveKind,
  type InterceptStreamResponse,
  InterceptStreamResponseSchema,
} from "../../gen/killcord/v1/enforcement_pb.js";
import type { SessionPause, SessionStop } from "../core/session-parts.js";
import { ended_reason } from "../core/stop.js";
import { given, stopReasonOf } from "./view.js";

/** What a stream can say. */
export type Sent = NonNullable<MessageInitShape<typeof InterceptStreamResponseSchema>["message"]>;

export function messageOf(message: Sent): InterceptStreamResponse {
  return create(InterceptStreamResponseSchema, { message });
}

/** What holds a session, or that nothing does any more. */
export function turnDirective(pause: SessionPause | null): Extract<Sent, { case: "directive" }>["value"] {
  return pause === null
    ? { kind: DirectiveKind.RESUME, reason: "the session goes on" }
    : { kind: DirectiveKind.PAUSE, reason: pause.reason, haltId: pause.halt_id };
}

/** A session that merely ended was not ordered to stop: there is nothing to acknowledge. */
export function directive(stop: SessionStop): Extract<Sent, { case: "directive" }>["value"] {
  return {
    kind: stop.halt_id === null ? DirectiveKind.END : DirectiveKind.STOP,
    reason: stop.reason ?? ended_reason,
    stopReason: stopReasonOf(stop.stop_reason),
    ...given("haltId", stop.halt_id),
  };
}
