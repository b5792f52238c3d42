/**
 * The one place where a refusal or a fault becomes an error of Connect and gRPC. Each carries a
 * google.rpc.ErrorInfo whose reason is the code of docs/errors.md.
 */
import type { DescMessage } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.js";
import { limits } from "../limits.js";
import { type ErrorCode, error_codes, type FieldIssue, KillcordError } from "../services/errors.js";
import { expectedNumber, isKeptName, isKeptWord, messagesIn, unsupported } from "../services/expected.js";

/**
 * Turns whatever a service threw into what the caller is told. A KillcordError keeps its code, its
 * message and its details, and an error of Connect is one already; anything else is a fault of ours, of
 * which the caller learns no more than that: the log has the rest.
 */
export function toConnectError(error: unknown): ConnectError {
  if (error instanceof ConnectError) {
    return error;
  }
  if (error instanceof KillcordError) {
    return connectError(error_codes[error.code], error, error.code);
  }
  const text = "a fault inside the server: its log names the cause under the x-request-id of this reply";
  return toConnectError(new KillcordError("internal", text, { cause: error }));
}

/**
 * A call of a method that the server does not have. gRPC's word for that is unimplemented, which
 * clients take as "an older server", and not the not-found of REST.
 */
export function unknownMethod(path: string): ConnectError {
  const text = `this server has no method ${path.slice(0, 200)}: compare the versions of client and server`;
  return connectError(Code.Unimplemented, new KillcordError("route_not_found", text), "route_not_found");
}

/**
 * Turns an error that the protocol library met before any service was called, so one in what the
 * caller sent, into a refusal with the right code. Its own texts can quote the caller's data, which
 * may be an action's text, so only names are taken from them.
 */
export function toRefusal(
  found: ConnectError,
  input: DescMessage,
  json: boolean,
  max_bytes: number,
): ConnectError {
  if (found.rawMessage.startsWith("received compressed envelope")) {
    // A flag that no header explains: the protocol of gRPC names the code.
    const text = "a message is marked as compressed and no header says how: name its encoding";
    return connectError(Code.Internal, new KillcordError("invalid_argument", text), "invalid_argument");
  }
  switch (found.code) {
    case Code.InvalidArgument:
    // The library calls bytes that do not parse an internal error; they are the caller's.
    case Code.Internal:
      return toConnectError(json ? jsonFault(found.rawMessage, input) : binaryFault(found.rawMessage, input));
    case Code.ResourceExhausted:
      return toConnectError(tooLarge(max_bytes));
    default: {
      const reason = found.rawMessage.includes("compression") ? "unsupported_encoding" : "invalid_argument";
      const refusal = connectError(found.code, new KillcordError(reason, found.rawMessage), reason);
      for (const [name, value] of found.metadata) {
        if (name.endsWith("accept-encoding")) {
          refusal.metadata.set(name, value);
        }
      }
      return refusal;
    }
  }
}

/** Without what our details say of it: the code and the message alone. */
export function withoutDetails(error: ConnectError): ConnectError {
  const ours = (detail: ConnectError["details"][number]) => "desc" in detail;
  error.details = error.details.filter((detail) => !ours(detail));
  return error;
}

/** The refusal of a body over the limit, sent or inflated. */
export function tooLarge(max_bytes: number): KillcordError {
  const text = `the request is larger than ${max_bytes} bytes: send less in one call`;
  return new KillcordError("payload_too_large", text);
}

function connectError(code: Code, error: KillcordError, reason: ErrorCode): ConnectError {
  const details: ConstructorParameters<typeof ConnectError>[3] = [
    { desc: ErrorInfoSchema, value: { reason, domain: "killcord" } },
  ];
  if (error.retry_after_ms !== null) {
    details.push({ desc: RetryInfoSchema, value: { retryDelay: duration(error.retry_after_ms) } });
  }
  if (error.details.length > 0) {
    const fieldViolations = error.details.map(({ field, issue }) => ({ field, description: issue }));
    details.push({ desc: BadRequestSchema, value: { fieldViolations } });
  }
  return new ConnectError(error.message, code, undefined, details, error);
}

function duration(ms: number): { seconds: bigint; nanos: number } {
  return { seconds: BigInt(Math.floor(ms / 1000)), nanos: Math.floor(ms % 1000) * 1_000_000 };
}

function jsonFault(text: string, input: DescMessage): KillcordError {
  const unknown = /^cannot decode message (\S+) from JSON: key "([^"]{1,100})" is unknown/.exec(text);
  if (unknown?.[1] !== undefined && unknown[2] !== undefined) {
    return unknownName(unknown[1], unknown[2], input);
  }
  const [, kind, name] = /^cannot decode (field|enum) (\S+) from JSON/.exec(text) ?? [];
  if (kind !== undefined && name !== undefined) {
    const issue = (kind === "enum" ? wordIssue(text, name, input) : numberIssue(name, input)) ?? wrong_type;
    return withIssue("invalid_argument", `${name}: ${issue}; see its description`, { field: name, issue });
  }
  if (text.includes("maximum recursion depth")) {
    const message = `the JSON is nested too deeply: use at most ${limits.metadata_depth} levels`;
    return new KillcordError("invalid_argument", message);
  }
  const message = `the body is no JSON that reads as ${input.typeName}: send one valid UTF-8 JSON object`;
  return new KillcordError("invalid_json", message);
}

const wrong_type = "wrong type or out of range";

function unknownName(type: string, name: string, input: DescMessage): KillcordError {
  const message = [...messagesIn(input)].find(({ typeName }) => typeName === type);
  if (message !== undefined && isKeptName(message, name)) {
    const issue = { field: name, issue: unsupported };
    return withIssue("invalid_argument", `${type}: ${name} ${unsupported}`, issue);
  }
  const text = `${type} has no field ${name}: check its spelling or leave it out`;
  return withIssue("unknown_field", text, { field: name, issue: "unknown field" });
}

/** What an enum takes. A word is looked at, and not told again: it is the caller's text. */
function wordIssue(text: string, type: string, input: DescMessage): string | null {
  const fields = [...messagesIn(input)].flatMap(({ fields: each }) => each);
  const found = fields.find((field) => field.enum?.typeName === type)?.enum;
  if (found === undefined) {
    return null;
  }
  const word = /from JSON: "([A-Za-z0-9_]{1,100})"$/.exec(text)?.[1] ?? "";
  const names = found.values.filter(({ number }) => number !== 0).map(({ name }) => name);
  return isKeptWord(found, word) ? unsupported : `expected one of ${names.join(", ")}`;
}

function numberIssue(name: string, input: DescMessage): string | null {
  const fields = [...messagesIn(input)].flatMap(({ fields: each }) => each);
  const found = fields.find((field) => `${field.parent.typeName}.${field.name}` === name);
  return found === undefined ? null : expectedNumber(found);
}

function binaryFault(text: string, input: DescMessage): KillcordError {
  const envelope = text.startsWith("protocol error") || text.includes("compressed");
  const message = envelope
    ? "the body is not framed as the protocol asks: use a generated client or check the frames"
    : `the body does not read as ${input.typeName}: send the message as made from this server's proto files`;
  return new KillcordError("invalid_argument", message);
}

function withIssue(code: ErrorCode, message: string, issue: FieldIssue): KillcordError {
  return new KillcordError(code, message, { details: [issue] });
}
