/**
 * `@killcord/client` in a page or a worker, by fetch. The server has to name the page's origin
 * (`--cors-origin`).
 */
import { createConnectTransport } from "@connectrpc/connect-web";
import { Client } from "./client.js";
import { KillcordError } from "./errors.js";
import type { Channel, Platform } from "./platform.js";
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

/** Where the server is, and the key: whoever sees the page sees it too. */
export interface ClientOptions {
  readonly url: string;
  readonly apiKey: string;
  /** Takes one line for whoever looks after the page. Default: to the console. */
  readonly warn?: (message: string) => void;
}

/** @throws {KillcordError} invalid_argument, when the URL is none */
export function createClient(options: ClientOptions): Client {
  const url = serverUrl(options.url);
  if (!options.apiKey) throw new KillcordError("missing_api_key", "there is no API key: give apiKey");
  return new Client(
    url,
    pagePlatform(url, options.apiKey, options.warn ?? ((message) => console.warn(`killcord: ${message}`))),
    undefined,
  );
}

function pagePlatform(url: string, api_key: string, warn: (message: string) => void): Platform {
  return {
    clock: {
      nowMs: () => performance.now(),
      after: (ms, run) => {
        const timer = setTimeout(run, ms);
        return { cancel: () => clearTimeout(timer) };
      },
    },
    random: Math.random,
    manyListeners: () => {},
    hold: () => () => {},
    warn,
    openChannel: () => pageChannel(url, api_key),
  };
}

function pageChannel(url: string, api_key: string): Channel {
  return {
    transport: createConnectTransport({
      baseUrl: url,
      useBinaryFormat: true,
      interceptors: [
        (next) => (request) => {
          request.header.set("x-api-key", api_key);
          return next(request);
        },
      ],
    }),
    close: () => {},
  };
}
