/**
 * `@killcord/client` in Node: HTTP/2, or HTTP/1.1 where only that gets through, with or without TLS.
 */
import { Client } from "./client.js";
import { KillcordError } from "./errors.js";
import { nodePlatform } from "./node-platform.js";
import { serverUrl } from "./server-url.js";

export type { Budgets } from "./budgets.js";
export type { Client } from "./client.js";
export {
  AccessDenied,
  ActionBlocked,
  ActionEscalated,
  KillcordError,
  type Policy,
  type Refusal,
  ServerUnreachable,
  SessionPaused,
  SessionTerminated,
  type Termination,
} from "./errors.js";
export type { Listener, SessionEvents } from "./listeners.js";
export type { Amounts, Cost, Usd } from "./money.js";
export type { Action, StartOptions } from "./options.js";
export type { Reservation, ReservedAction, Settlement } from "./reservation.js";
export type { Session } from "./session.js";
export type { SessionView, WatchFilter } from "./sessions-watched.js";
export type { ToolFunction, ToolOptions } from "./tool.js";
export type { Allowed, AllowedBySeal, AllowedOffline, BudgetLeft, Consumed, Warning } from "./verdict.js";
export type { EvidenceWord, OnLeaseLostWord, SessionStatusWord, StopReasonWord } from "./words.js";

/** Where the server is, and the key. */
export interface ClientOptions {
  /** Default: KILLCORD_URL, else http://127.0.0.1:7411. */
  readonly url?: string;
  /** Default: KILLCORD_API_KEY. */
  readonly apiKey?: string;
  /** Takes one line for whoever runs the program. Default: to standard error. */
  readonly warn?: (message: string) => void;
}

/**
 * Makes a client; its first call connects. Nothing of it keeps the process alive but a call that is
 * waited for.
 *
 * @throws {KillcordError} invalid_argument, when there is no key or the URL is none
 */
export function createClient(options: ClientOptions = {}): Client {
  // A variable that is set to nothing means what an unset one means.
  const url = serverUrl(options.url || process.env.KILLCORD_URL || "http://127.0.0.1:7411");
  const api_key = options.apiKey || process.env.KILLCORD_API_KEY;
  if (!api_key) {
    throw new KillcordError("missing_api_key", "there is no API key: set KILLCORD_API_KEY, or give apiKey");
  }
  const warn = options.warn ?? ((message: string) => void process.stderr.write(`killcord: ${message}\n`));
  return new Client(url, nodePlatform(url, api_key, warn), process.env.KILLCORD_SESSION_ID || undefined);
}
