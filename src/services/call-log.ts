/**
 * One line for every call, whatever its transport: what it was, how it went and how long it took.
 * Never what it said: no message of the caller's, no header but its request id, and of the path only
 * what this server gave it.
 */
import { ConnectError } from "@connectrpc/connect";
import type { Logger } from "pino";
import { type ErrorCode, KillcordError } from "./errors.js";

/** Where lines go. */
export type Log = Pick<Logger, "debug" | "info" | "error">;

/** The ways in: what a call's protocol is called in lines and figures. */
export type DoorName = "connect" | "grpc" | "grpc_web" | "rest";

/** What a line says of a call. */
export interface CallLine {
  readonly request_id: string;
  readonly door: DoorName;
  /** `/killcord.v1.SessionService/GetSession` or `GET /v1/enforce/sessions/{session_id}`; null for none that there is. */
  readonly method: string | null;
  readonly latency_ms: number;
}

/** Told of each call that was not answered as asked. */
export type CountRefusal = (door: DoorName, code: ErrorCode) => void;

/** Tells how a call went; `thrown` is what ended it early, undefined when nothing did. */
export function logCall(log: Log, line: CallLine, thrown: unknown, count: CountRefusal): void {
  const cause = thrown instanceof ConnectError ? thrown.cause : thrown;
  if (cause === undefined) {
    log.debug({ ...line, code: "ok" }, "call answered");
    return;
  }
  const code = cause instanceof KillcordError ? cause.code : "internal";
  count(line.door, code);
  if (code === "internal" || code === "data_loss") {
    log.error({ ...line, code, err: cause }, "call failed by a fault of the server");
  } else {
    log.info({ ...line, code }, "call refused or left");
  }
}

/** Milliseconds since `received_ms`, to a microsecond. */
export function latencySince(received_ms: number): number {
  return Math.round((performance.now() - received_ms) * 1000) / 1000;
}
