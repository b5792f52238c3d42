/** One line for every call: what it was, how it went and how long it took. Never what it said. */
import { ConnectError } from "@connectrpc/connect";
import type { Logger } from "pino";
import { KillcordError } from "../services/errors.js";

/** Where lines go. */
export type Log = Pick<Logger, "debug" | "info" | "error">;

/** What a line says of a call. */
export interface CallLine {
  readonly request_id: string;
  /** As in a path: `/killcord.v1.SessionService/GetSession`. */
  readonly method: string;
  readonly latency_ms: number;
}

/** Tells how a call went; `thrown` is what ended it early, if anything did. */
export function logCall(log: Log, line: CallLine, thrown: unknown): void {
  const cause = thrown instanceof ConnectError ? thrown.cause : thrown;
  if (cause === undefined) {
    log.debug({ ...line, code: "ok" }, "call answered");
  } else if (!(cause instanceof KillcordError) || cause.code === "internal") {
    log.error({ ...line, code: "internal", err: cause }, "call failed by a fault of the server");
  } else {
    log.info({ ...line, code: cause.code }, "call refused or left");
  }
}
