/**
 * The ways on which a watcher hears of sessions, each over a connection of its own that may break at any
 * byte: gRPC over HTTP/2, Connect and server-sent events over HTTP/1.1. None shares code with the server.
 */
import { type ClientRequest, request as requestHttp } from "node:http";
import { connect } from "node:http2";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import {
  WatchSessionRequestSchema,
  WatchSessionResponseSchema,
  WatchSessionsRequestSchema,
  WatchSessionsResponseSchema,
} from "../../gen/killcord/v1/session_pb.js";
import { eventsIn } from "../rest/events.js";
import { Envelopes } from "./envelopes.js";
import { type Heard, ofJson, ofMessage } from "./shown.js";

/** Where to, and as whom. */
export interface Door {
  readonly port: number;
  readonly key: string;
}

/** One connection. */
export interface Line {
  /** `ok`, the code of the error, or `cut` when the connection broke before either. */
  readonly ended: Promise<string>;
  leave(): void;
}

export const protocols = ["grpc", "connect", "sse"] as const;
export type Protocol = (typeof protocols)[number];

/** What is watched: one session, some, those of a label, or all. */
export type Question =
  | { readonly session_id: string }
  | { readonly session_ids: readonly string[] }
  | { readonly label: string }
  | Readonly<Record<string, never>>;

export type Hear = (heard: Heard) => void;

/** Opens a watch, from a token on if there is one. */
export function openWatch(
  door: Door,
  protocol: Protocol,
  question: Question,
  token: string | null,
  hear: Hear,
): Line {
  switch (protocol) {
    case "grpc":
      return overGrpc(door, question, token, hear);
    case "connect":
      return overConnect(door, question, token, hear);
    case "sse":
      return overEvents(door, question, token, hear);
  }
}

function isOne(question: Question): question is { readonly session_id: string } {
  return "session_id" in question;
}

function messageOf(question: Question, token: string | null): Uint8Array {
  const resumeToken = token ?? "";
  if (isOne(question)) {
    const one = create(WatchSessionRequestSchema, { sessionId: question.session_id, resumeToken });
    return encodeEnvelope(0, toBinary(WatchSessionRequestSchema, one));
  }
  const many: MessageInitShape<typeof WatchSessionsRequestSchema> = { resumeToken };
  if ("session_ids" in question) {
    many.sessionIds = [...(question.session_ids as readonly string[])];
  } else if ("label" in question) {
    many.label = question.label as string;
  }
  return encodeEnvelope(0, toBinary(WatchSessionsRequestSchema, create(WatchSessionsRequestSchema, many)));
}

function pathOf(question: Question): string {
  return `/killcord.v1.SessionService/${isOne(question) ? "WatchSession" : "WatchSessions"}`;
}

function heardIn(question: Question, bytes: Uint8Array): Heard {
  const schema = isOne(question) ? WatchSessionResponseSchema : WatchSessionsResponseSchema;
  const { update, revision, resumeToken } = fromBinary(schema, bytes);
  return {
    shown: update.case === "session" ? ofMessage(update.value) : null,
    revision: Number(revision),
    token: resumeToken,
  };
}

/** The name of a gRPC status of ours, by its header. */
export function statusName(header: unknown): string | null {
  return header === undefined ? null : (statuses[String(header)] ?? `status ${header}`);
}

const statuses: Readonly<Record<string, string>> = {
  0: "ok",
  5: "not_found",
  7: "permission_denied",
  8: "resource_exhausted",
  14: "unavailable",
  15: "data_loss",
  16: "unauthenticated",
};

function overGrpc({ port, key }: Door, question: Question, token: string | null, hear: Hear): Line {
  const http2 = connect(`http://127.0.0.1:${port}`);
  const stream = http2.request({
    ":method": "POST",
    ":path": pathOf(question),
    "content-type": "application/grpc",
    te: "trailers",
    "x-api-key": key,
  });
  let end = "cut";
  const note = (headers: Readonly<Record<string, unknown>>) => {
    end = statusName(headers["grpc-status"]) ?? end;
  };
  const envelopes = new Envelopes();
  http2.on("error", nothing);
  stream.on("error", nothing).on("response", note).on("trailers", note);
  stream.on("data", (piece: Buffer) => {
    for (const { bytes } of envelopes.take(piece)) {
      hear(heardIn(question, bytes));
    }
  });
  stream.end(messageOf(question, token));
  const ended = new Promise<string>((resolve) =>
    http2.once("close", () => resolve(end)).once("error", () => resolve(end)),
  );
  stream.once("close", () => http2.destroy());
  return { ended, leave: () => http2.destroy() };
}

function overConnect({ port, key }: Door, question: Question, token: string | null, hear: Hear): Line {
  const envelopes = new Envelopes();
  let end = "cut";
  const call = requestHttp({
    port,
    host: "127.0.0.1",
    agent: false,
    method: "POST",
    path: pathOf(question),
    headers: { "content-type": "application/connect+proto", "x-api-key": key },
  });
  const ended = whole(call, (piece) => {
    for (const { flags, bytes } of envelopes.take(piece)) {
      if ((flags & 2) === 0) {
        hear(heardIn(question, bytes));
      } else {
        const last = JSON.parse(Buffer.from(bytes).toString("utf8")) as { error?: { code: string } };
        end = last.error?.code ?? "ok";
      }
    }
  });
  call.end(messageOf(question, token));
  return {
    ended: ended.then((status) => (status === 401 ? "unauthenticated" : end)),
    leave: () => call.destroy(),
  };
}

function overEvents({ port, key }: Door, question: Question, token: string | null, hear: Hear): Line {
  let rest = "";
  let end = "cut";
  const call = requestHttp({
    port,
    host: "127.0.0.1",
    agent: false,
    path: eventsPath(question),
    headers: { "x-api-key": key, ...(token === null ? {} : { "last-event-id": token }) },
  });
  const ended = whole(call, (piece) => {
    rest += piece.toString("latin1");
    const whole_to = rest.lastIndexOf("\n\n") + 2;
    for (const { event, id, data } of whole_to < 2 ? [] : eventsIn(rest.slice(0, whole_to))) {
      const told = JSON.parse(Buffer.from(data, "latin1").toString("utf8"));
      if (event === "error") {
        end = String(told.error.code);
      } else {
        hear({
          shown: event === "session" ? ofJson(told.session) : null,
          revision: Number(told.revision),
          token: id,
        });
      }
    }
    rest = whole_to < 2 ? rest : rest.slice(whole_to);
  });
  call.end();
  const named = (status: number) =>
    status === 401 ? "unauthenticated" : status === 404 ? "not_found" : status === 500 ? "data_loss" : end;
  return { ended: ended.then(named), leave: () => call.destroy() };
}

function eventsPath(question: Question): string {
  if (isOne(question)) {
    return `/v1/enforce/sessions/${question.session_id}/watch`;
  }
  const query = new URLSearchParams();
  for (const id of "session_ids" in question ? (question.session_ids as readonly string[]) : []) {
    query.append("session_ids", id);
  }
  if ("label" in question) {
    query.set("label", question.label as string);
  }
  return `/v1/enforce/sessions:watch?${query}`;
}

/** Reads a reply to its end, however that comes; resolves to its status, 0 without one. */
function whole(call: ClientRequest, take: (piece: Buffer) => void): Promise<number> {
  return new Promise((resolve) => {
    call.on("error", () => resolve(0));
    call.on("close", () => resolve(0));
    call.on("response", (reply) => {
      reply.on("error", nothing).on("data", (piece: Buffer) => {
        if (reply.statusCode === 200) {
          take(piece);
        }
      });
      reply.on("close", () => resolve(reply.statusCode ?? 0));
    });
  });
}

function nothing(): void {}
