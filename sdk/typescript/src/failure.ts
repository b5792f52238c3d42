/** What a failed call means for whoever made it. */
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "../gen/google/rpc/error_details_pb.js";
import { AccessDenied, KillcordError, ServerUnreachable } from "./errors.js";

/** passing: another try may go better; denied: the key is not taken; refused: the same call fails again. */
export type FailureKind = "passing" | "denied" | "refused";

const passing_reasons: ReadonlySet<string> = new Set(["rate_limited", "overloaded", "unavailable"]);

/** The code of docs/errors.md; undefined when whoever answered is no Killcord, or nobody answered. */
export function reasonOf(error: ConnectError): string | undefined {
  return error.findDetails(ErrorInfoSchema).find((info) => info.domain === "killcord")?.reason;
}

export function failureKind(error: ConnectError): FailureKind {
  const reason = reasonOf(error);
  switch (error.code) {
    case Code.Unauthenticated:
    case Code.PermissionDenied:
      return "denied";
    case Code.Unavailable:
    case Code.DeadlineExceeded:
    case Code.Aborted:
    case Code.Canceled:
      return "passing";
    case Code.ResourceExhausted:
      return reason === undefined || passing_reasons.has(reason) ? "passing" : "refused";
    case Code.Internal:
    case Code.Unknown:
      // A Killcord that failed, or a connection that broke in a way nobody has a word for.
      return "passing";
    default:
      return "refused";
  }
}

/** Whether nothing was heard of the server, so that the connection itself may be dead. */
export function isSilence(error: ConnectError): boolean {
  return error.code === Code.DeadlineExceeded && reasonOf(error) === undefined;
}

/** The error for people of a call that is not tried again. */
export function toldFailure(error: ConnectError, url: string): KillcordError {
  const reason = reasonOf(error);
  switch (failureKind(error)) {
    case "denied":
      return new AccessDenied(reason ?? "access_denied", deniedText(error, reason, url), { cause: error });
    case "passing":
      return new ServerUnreachable(
        reason ?? "unavailable",
        `no answer from ${url} (${error.rawMessage}): is the server up, and is KILLCORD_URL right?`,
        { cause: error },
      );
    case "refused":
      return new KillcordError(
        reason ?? (Code[error.code] ?? "unknown").replace(/(?<!^)([A-Z])/g, "_$1").toLowerCase(),
        reason === undefined
          ? `what answers at ${url} is not a Killcord that knows this call: ${error.rawMessage}`
          : error.rawMessage,
        { cause: error },
      );
  }
}

function deniedText(error: ConnectError, reason: string | undefined, url: string): string {
  const hint =
    reason === "insufficient_permissions" ? "" : ": set KILLCORD_API_KEY to a key that is good there";
  return `${url} refuses the key (${error.rawMessage})${hint}`;
}

/** What was thrown as a ConnectError, whatever it was. */
export function callError(thrown: unknown): ConnectError {
  return ConnectError.from(thrown);
}
