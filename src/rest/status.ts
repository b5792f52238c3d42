/** A refusal or a fault into HTTP: status, headers and the error envelope (rest-api.md, 1). */
import { Code } from "@connectrpc/connect";
import { defaultRetryMs, error_codes, type FieldIssue, type KillcordError } from "../services/errors.js";

/** An error as it leaves. */
export interface ErrorReply {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: {
    readonly ok: false;
    readonly error: {
      readonly code: string;
      readonly message: string;
      readonly request_id: string;
      readonly details?: readonly FieldIssue[];
    };
  };
}

/** What an error says, whoever raised it. */
export interface Refusal {
  readonly connect: Code;
  /** The code of the envelope; null where only the Connect code is known. */
  readonly reason: string | null;
  readonly message: string;
  readonly details: readonly FieldIssue[];
  readonly retry_after_ms: number | null;
  /** With method_not_allowed: the methods that are, sorted. */
  readonly allow?: readonly string[];
}

/** HTTP status and envelope code of each Connect code, for errors that give no reason. */
const by_connect_code: Readonly<Record<Code, { readonly status: number; readonly code: string }>> = {
  [Code.Canceled]: { status: 499, code: "canceled" },
  [Code.Unknown]: { status: 500, code: "unknown" },
  [Code.InvalidArgument]: { status: 400, code: "invalid_argument" },
  [Code.DeadlineExceeded]: { status: 504, code: "deadline_exceeded" },
  [Code.NotFound]: { status: 404, code: "not_found" },
  [Code.AlreadyExists]: { status: 409, code: "already_exists" },
  [Code.PermissionDenied]: { status: 403, code: "insufficient_permissions" },
  [Code.ResourceExhausted]: { status: 429, code: "resource_exhausted" },
  [Code.FailedPrecondition]: { status: 400, code: "failed_precondition" },
  [Code.Aborted]: { status: 409, code: "aborted" },
  [Code.OutOfRange]: { status: 400, code: "out_of_range" },
  [Code.Unimplemented]: { status: 501, code: "unimplemented" },
  [Code.Internal]: { status: 500, code: "internal" },
  [Code.Unavailable]: { status: 503, code: "unavailable" },
  [Code.DataLoss]: { status: 500, code: "data_loss" },
  [Code.Unauthenticated]: { status: 401, code: "invalid_api_key" },
};

/** Reasons whose status is not that of their Connect code. */
const by_reason: ReadonlyMap<string, number> = new Map([
  ["method_not_allowed", 405],
  ["invalid_chain", 422],
  ["idempotency_key_mismatch", 422],
  ["escalation_already_resolved", 409],
  ["session_not_active", 409],
  ["scope_halted", 409],
  ["payload_too_large", 413],
  ["unsupported_encoding", 415],
]);

/** Codes whose message may hold what is nobody's business; our own data_loss says what a client has to know. */
const hidden: ReadonlySet<Code> = new Set([Code.Internal, Code.Unknown, Code.DataLoss]);

/** What an error says. */
export function refusalOf(thrown: KillcordError): Refusal {
  const { code, message, details, retry_after_ms } = thrown;
  return { connect: error_codes[code], reason: code, message, details, retry_after_ms };
}

/** The reply for an error; null stands for a fault of ours. */
export function errorReply(refusal: Refusal | null, request_id: string): ErrorReply {
  const { connect, reason, message, details, retry_after_ms, allow } = refusal ?? internal;
  const plain = by_connect_code[connect];
  const code = reason ?? plain.code;
  const headers = new Map<string, string>();
  const retry_ms = retry_after_ms ?? defaultRetryMs(code);
  if (retry_ms !== null) {
    headers.set("retry-after", String(Math.max(1, Math.ceil(retry_ms / 1000))));
  }
  if (allow !== undefined) {
    headers.set("allow", allow.join(", "));
  }
  return {
    status: by_reason.get(code) ?? plain.status,
    headers,
    body: {
      ok: false,
      error: {
        code,
        message: hidden.has(connect) && reason !== "data_loss" ? "internal error" : message,
        request_id,
        ...(details.length === 0 ? {} : { details }),
      },
    },
  };
}

const internal: Refusal = {
  connect: Code.Internal,
  reason: null,
  message: "",
  details: [],
  retry_after_ms: null,
};
