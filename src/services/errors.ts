/**
 * What the services refuse with: one class, a closed list of codes. Each transport turns it into
 * its wire form in one place (rpc/error.ts, rest/status.ts). docs/errors.md lists every code.
 */
import { Code } from "@connectrpc/connect";

/** Every code, with the code of Connect and gRPC that it travels under. */
export const error_codes = {
  missing_api_key: Code.Unauthenticated,
  invalid_api_key: Code.Unauthenticated,
  expired_api_key: Code.Unauthenticated,
  insufficient_permissions: Code.PermissionDenied,
  agent_suspended: Code.PermissionDenied,
  credential_revoked: Code.PermissionDenied,
  session_required: Code.PermissionDenied,
  session_not_found: Code.NotFound,
  agent_not_found: Code.NotFound,
  credential_not_found: Code.NotFound,
  decision_not_found: Code.NotFound,
  reservation_not_found: Code.NotFound,
  key_not_found: Code.NotFound,
  halt_not_found: Code.NotFound,
  escalation_not_found: Code.NotFound,
  policy_not_found: Code.NotFound,
  entry_not_found: Code.NotFound,
  checkpoint_not_found: Code.NotFound,
  route_not_found: Code.NotFound,
  method_not_allowed: Code.Unimplemented,
  http2_required: Code.Unimplemented,
  invalid_path: Code.InvalidArgument,
  invalid_query: Code.InvalidArgument,
  unknown_parameter: Code.InvalidArgument,
  invalid_json: Code.InvalidArgument,
  unknown_field: Code.InvalidArgument,
  unexpected_body: Code.InvalidArgument,
  invalid_argument: Code.InvalidArgument,
  invalid_action_type: Code.InvalidArgument,
  invalid_chain: Code.InvalidArgument,
  batch_too_large: Code.InvalidArgument,
  invalid_idempotency_key: Code.InvalidArgument,
  idempotency_key_mismatch: Code.InvalidArgument,
  unsupported_encoding: Code.InvalidArgument,
  session_not_active: Code.FailedPrecondition,
  session_not_stopped: Code.FailedPrecondition,
  scope_halted: Code.FailedPrecondition,
  escalation_already_resolved: Code.FailedPrecondition,
  above_ceiling: Code.FailedPrecondition,
  action_text_lost: Code.FailedPrecondition,
  last_admin_key: Code.FailedPrecondition,
  policy_from_file: Code.AlreadyExists,
  version_mismatch: Code.Aborted,
  already_exists: Code.AlreadyExists,
  reservation_closed: Code.AlreadyExists,
  payload_too_large: Code.ResourceExhausted,
  rate_limited: Code.ResourceExhausted,
  overloaded: Code.ResourceExhausted,
  session_limit_reached: Code.ResourceExhausted,
  limit_reached: Code.ResourceExhausted,
  data_loss: Code.DataLoss,
  unavailable: Code.Unavailable,
  deadline_exceeded: Code.DeadlineExceeded,
  canceled: Code.Canceled,
  internal: Code.Internal,
} as const;

/** A code of the closed list. */
export type ErrorCode = keyof typeof error_codes;

const retried: ReadonlySet<string> = new Set<ErrorCode>(["rate_limited", "overloaded", "unavailable"]);

/** How soon to try again where whoever refuses does not say; null for a code that asks for no other try. */
export function defaultRetryMs(code: string): number | null {
  return retried.has(code) ? 1000 : null;
}

/** One field at fault: its path in proto names, e.g. `budgets.max_actions`, and what is wrong. */
export interface FieldIssue {
  readonly field: string;
  readonly issue: string;
}

/** A refusal or a fault, with what happened, what was expected and what to do. */
export class KillcordError extends Error {
  readonly code: ErrorCode;
  readonly details: readonly FieldIssue[];
  /** Milliseconds after which a retry makes sense; null when none does. */
  readonly retry_after_ms: number | null;

  constructor(
    code: ErrorCode,
    message: string,
    more: {
      readonly details?: readonly FieldIssue[];
      readonly retry_after_ms?: number;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = "KillcordError";
    this.code = code;
    this.details = more.details ?? [];
    this.retry_after_ms = more.retry_after_ms ?? defaultRetryMs(code);
  }
}
