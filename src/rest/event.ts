/**
 * Messages of a stream as server-sent events (HTML Living Standard, 9.2): `event` names what the
 * message tells, `id` is the token to go on from, `data` is the JSON that a reply would have.
 */
import type { DescMessage, Message } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { reshape } from "./compat.js";
import type { Route } from "./routes.js";
import { fieldNamed } from "./shape.js";
import type { ErrorReply } from "./status.js";
import { writeReply } from "./write.js";

/** Texts of messages: many streams may send the same one, and it is written once. */
const texts = new WeakMap<Route, WeakMap<Message, string>>();

/** One message of a route's stream. */
export function eventOf(route: Route, message: Message): string {
  const of_route = texts.get(route) ?? new WeakMap<Message, string>();
  texts.set(route, of_route);
  const text = of_route.get(message) ?? writeEvent(route, message);
  of_route.set(message, text);
  return text;
}

/** An error in the middle of a stream, which ends it. */
export function errorEvent(body: ErrorReply["body"]): string {
  return `event: error\ndata: ${JSON.stringify(body)}\n\n`;
}

/** How soon a client may come back when the stream has ended. */
export function retryLine(retry_ms: number): string {
  return `retry: ${Math.round(retry_ms)}\n`;
}

function writeEvent(route: Route, message: Message): string {
  const { output } = route.rpc;
  const name = toldBy(output, message);
  const token = tokenOf(output, message);
  const data = writeReply(message, output, route.response_body, reshape);
  return [
    ...(name === null ? [] : [`event: ${name}\n`]),
    // Without an id the client keeps the one before.
    ...(token === "" ? [] : [`id: ${token}\n`]),
    `data: ${JSON.stringify(data)}\n\n`,
  ].join("");
}

/** The member that is set of the message's oneof. */
function toldBy(desc: DescMessage, message: Message): string | null {
  const [oneof] = desc.oneofs;
  const field = oneof === undefined ? undefined : reflect(desc, message, false).oneofCase(oneof);
  return field?.name ?? null;
}

function tokenOf(desc: DescMessage, message: Message): string {
  const field = fieldNamed(desc, "resume_token");
  const token = field?.fieldKind === "scalar" ? String(reflect(desc, message, false).get(field)) : "";
  // A line break would end the field, and a NUL makes clients drop it.
  return /^[\x20-\x7e]*$/.test(token) ? token : "";
}
