/**
 * What a command fails with: a code for programs, a sentence for people that says what to do, and
 * the exit status. Statuses are those of `killcord --help`: 1 the thing asked about failed, 2 wrong
 * usage, 3 unreachable or refused.
 */
import { Code, type ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.js";
import type { ErrorCode, FieldIssue } from "../services/errors.js";

/** An exit status other than 0. */
export type FailureStatus = 1 | 2 | 3;

/** A failure that is told to the user as it is. */
export class CommandFailure extends Error {
  /** A code of docs/errors.md; a newer server may send one that is not listed here. */
  readonly code: string;
  readonly status: FailureStatus;
  readonly request_id: string | null;
  readonly details: readonly FieldIssue[];

  constructor(
    code: ErrorCode | (string & {}),
    status: FailureStatus,
    message: string,
    more: { readonly request_id?: string | null; readonly details?: readonly FieldIssue[] } = {},
  ) {
    super(message);
    this.name = "CommandFailure";
    this.code = code;
    this.status = status;
    this.request_id = more.request_id ?? null;
    this.details = more.details ?? [];
  }
}

/** A command line that says something impossible. */
export function wrongUsage(message: string): CommandFailure {
  return new CommandFailure("invalid_argument", 2, message);
}

/** What the operating system refused, without its stack: `verb` is what was tried, e.g. "write X". */
export function systemFailure(verb: string, error: unknown): CommandFailure {
  return new CommandFailure("internal", 1, `cannot ${verb}: ${systemReason(error)}`);
}

/** The reason alone, in words where the code is a common one. */
export function systemReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const words: Record<string, string> = {
    ENOENT: "it does not exist",
    EACCES: "permission denied",
    EPERM: "permission denied",
    EISDIR: "it is a directory",
    ENOTDIR: "a part of the path is not a directory",
    ENOSPC: "no space is left on the device",
    EROFS: "the file system is read-only",
  };
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return words[code] ?? error.message;
}

/** Whether the error came from a Killcord that answered, not from the way to it. */
export function isAnswer(error: ConnectError): boolean {
  return error.findDetails(ErrorInfoSchema).some((info) => info.domain === "killcord");
}

/** Turns what a call to `url` threw into the failure to tell. */
export function fromCall(refusal: ConnectError, url: string): CommandFailure {
  if (!isAnswer(refusal)) return withoutAnswer(refusal, url);
  const code = refusal.findDetails(ErrorInfoSchema).find((info) => info.domain === "killcord")?.reason;
  const details = refusal
    .findDetails(BadRequestSchema)
    .flatMap((request) => request.fieldViolations)
    .map((violation) => ({ field: violation.field, issue: violation.description }));
  return new CommandFailure(code ?? "internal", statusOf(refusal.code), refusal.rawMessage + hint(code), {
    request_id: refusal.metadata.get("x-request-id"),
    details,
  });
}

function hint(code: string | undefined): string {
  const access = "set KILLCORD_API_KEY, or name a file that holds a key with --api-key-file";
  if (code === "missing_api_key") return `: ${access}`;
  if (code === "invalid_api_key" || code === "expired_api_key") return `: use another key (${access})`;
  return "";
}

function statusOf(code: Code): FailureStatus {
  switch (code) {
    case Code.InvalidArgument:
    case Code.OutOfRange:
      return 2;
    case Code.Unauthenticated:
    case Code.PermissionDenied:
    case Code.Unavailable:
    case Code.DeadlineExceeded:
    case Code.ResourceExhausted:
      return 3;
    case Code.Canceled:
    case Code.Unknown:
    case Code.NotFound:
    case Code.AlreadyExists:
    case Code.FailedPrecondition:
    case Code.Aborted:
    case Code.Unimplemented:
    case Code.Internal:
    case Code.DataLoss:
      return 1;
  }
}

/** Nobody there, or somebody who is not a Killcord. */
function withoutAnswer(error: ConnectError, url: string): CommandFailure {
  if (error.code === Code.DeadlineExceeded) {
    return new CommandFailure("deadline_exceeded", 3, `${url} did not answer in time: try again`);
  }
  const code = systemCode(error);
  const network = network_words[code];
  if (network !== undefined) {
    const what = `no Killcord answers at ${url} (${network})`;
    return new CommandFailure(
      "unavailable",
      3,
      `${what}: start one with \`killcord serve\`, or set KILLCORD_URL`,
    );
  }
  return new CommandFailure("unavailable", 3, strangeAnswer(error, code, url));
}

/** Something is there. */
function strangeAnswer(error: ConnectError, code: string, url: string): string {
  if (/CERT|ISSUER|VERIFY/.test(code)) {
    return `the certificate of ${url} is not trusted (${error.rawMessage}): name its authority in NODE_EXTRA_CA_CERTS`;
  }
  if (/^(ERR_SSL_|EPROTO$)/.test(code)) {
    return `what answers at ${url} speaks no TLS that fits: is it an address that begins with http://?`;
  }
  return `what answers at ${url} is not a Killcord (${error.rawMessage}): set KILLCORD_URL or --url to one`;
}

const network_words: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ENOTFOUND: "unknown host",
  EAI_AGAIN: "unknown host",
  ETIMEDOUT: "connection timed out",
  EHOSTUNREACH: "host unreachable",
  ENETUNREACH: "network unreachable",
  ECONNRESET: "connection reset",
  EPIPE: "connection reset",
};

/** The code that the system or TLS gave for a failed connection; empty when there is none. */
function systemCode(error: ConnectError): string {
  let reason: unknown = error;
  for (let depth = 0; depth < 8 && reason instanceof Error; depth += 1) {
    // Connect's own codes are numbers.
    if ("code" in reason && typeof reason.code === "string") return reason.code;
    // Several addresses were tried: `localhost` as IPv6 and IPv4.
    reason = reason instanceof AggregateError ? reason.errors[0] : reason.cause;
  }
  return "";
}
