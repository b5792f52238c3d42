/** InterceptStream as an agent's line: it asks for actions, hears its directive, and acknowledges it. */
import { type ClientHttp2Stream, connect } from "node:http2";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import {
  InterceptStreamRequestSchema,
  type InterceptStreamResponse,
  InterceptStreamResponseSchema,
} from "../../gen/killcord/v1/enforcement_pb.js";
import { HaltEvidence, HaltPhase } from "../../gen/killcord/v1/session_pb.js";
import { Envelopes } from "./envelopes.js";
import { type Door, type Hear, type Line, statusName } from "./lines.js";
import { isOver, ofDirective, ofMessage } from "./shown.js";

type Said = MessageInitShape<typeof InterceptStreamRequestSchema>["message"];

export interface StreamLine extends Line {
  /** Asks for so many actions at once. */
  ask(count: number): void;
}

/** @param acknowledges whether it tells that it is stopping and has stopped; then the server ends the stream */
export function openStream(
  { port, key }: Door,
  session_id: string,
  acknowledges: boolean,
  hear: Hear,
): StreamLine {
  const http2 = connect(`http://127.0.0.1:${port}`);
  const stream = http2.request({
    ":method": "POST",
    ":path": "/killcord.v1.EnforcementService/InterceptStream",
    "content-type": "application/grpc",
    te: "trailers",
    "x-api-key": key,
  });
  let end = "cut";
  let ref = 0;
  const note = (headers: Readonly<Record<string, unknown>>) => {
    end = statusName(headers["grpc-status"]) ?? end;
  };
  const envelopes = new Envelopes();
  http2.on("error", nothing);
  stream.on("error", nothing).on("response", note).on("trailers", note);
  stream.on("data", (piece: Buffer) => {
    for (const { bytes } of envelopes.take(piece)) {
      const { message } = fromBinary(InterceptStreamResponseSchema, bytes);
      hear({ shown: shownIn(session_id, message), revision: null, token: null });
      if (acknowledges && message.case === "directive" && message.value.haltId !== undefined) {
        for (const phase of [HaltPhase.STOPPING, HaltPhase.STOPPED]) {
          const evidence =
            phase === HaltPhase.STOPPED ? HaltEvidence.TASKS_CANCELLED : HaltEvidence.UNSPECIFIED;
          const value = { ref: phase, haltId: message.value.haltId, phase, evidence };
          say(stream, { case: "acknowledge", value });
        }
      }
    }
  });
  say(stream, { case: "open", value: { sessionId: session_id } });
  const ended = new Promise<string>((resolve) =>
    http2.once("close", () => resolve(end)).once("error", () => resolve(end)),
  );
  stream.once("close", () => http2.destroy());
  return {
    ended,
    leave: () => http2.destroy(),
    ask: (count) => {
      for (let i = 0; i < count && stream.writable; i++) {
        ref += 1;
        say(stream, { case: "intercept", value: { ref, action: { actionType: "step" } } });
      }
    },
  };
}

function shownIn(session_id: string, message: InterceptStreamResponse["message"]) {
  switch (message.case) {
    case "opened": {
      const shown = message.value.session === undefined ? null : ofMessage(message.value.session);
      // Its directive comes next, and is what counts.
      return shown === null || isOver(shown) ? null : shown;
    }
    case "directive":
      return ofDirective(session_id, message.value);
    default:
      return null;
  }
}

function say(stream: ClientHttp2Stream, message: Said): void {
  const request = create(InterceptStreamRequestSchema, { message } as never);
  stream.write(encodeEnvelope(0, toBinary(InterceptStreamRequestSchema, request)));
}

function nothing(): void {}
