/** A client of `@killcord/client` on a real server, and the server's side of it. */
import { createClient as stubOf } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { VaultService } from "../../../gen/killcord/v1/vault_pb.js";
import { Client } from "../../../sdk/typescript/src/client.js";
import { nodePlatform } from "../../../sdk/typescript/src/node-platform.js";
import type { Clock, Platform } from "../../../sdk/typescript/src/platform.js";
import { curl, type Served } from "../../server/served.js";

/** A client and what it said to whoever runs the program. */
export interface Staged {
  readonly client: Client;
  readonly warnings: string[];
}

/** A client over the real transports; what a test needs otherwise, it gives. */
export function staged(
  url: string,
  api_key: string,
  otherwise: Partial<Platform> = {},
  parent_session_id?: string,
): Staged {
  const warnings: string[] = [];
  const platform = { ...nodePlatform(url, api_key, (line) => warnings.push(line)), ...otherwise };
  return { client: new Client(url, platform, parent_session_id), warnings };
}

/** Time that passes when a test says so. */
export class ManualClock implements Clock {
  #now_ms = 1_000_000;
  readonly #timers = new Set<{ readonly at_ms: number; readonly run: () => void }>();

  nowMs(): number {
    return this.#now_ms;
  }

  after(ms: number, run: () => void) {
    const timer = { at_ms: this.#now_ms + ms, run };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** Runs what is due, in its order. */
  advance(ms: number): void {
    const end_ms = this.#now_ms + ms;
    for (;;) {
      const [next] = [...this.#timers].sort((a, b) => a.at_ms - b.at_ms);
      if (next === undefined || next.at_ms > end_ms) break;
      this.#timers.delete(next);
      this.#now_ms = Math.max(this.#now_ms, next.at_ms);
      next.run();
    }
    this.#now_ms = end_ms;
  }

  /** Time passes and no timer runs: the process was suspended. */
  sleepThrough(ms: number): void {
    this.#now_ms += ms;
  }
}

/** Waits for what waits by this clock: its time passes as fast as it can. */
export async function inItsTime<Result>(clock: ManualClock, work: Promise<Result>): Promise<Result> {
  let settled = false;
  work.then(
    () => {
      settled = true;
    },
    () => {
      settled = true;
    },
  );
  await until(() => {
    clock.advance(500);
    return settled;
  });
  return work;
}

/** Kills a session as an operator does. */
export function kill(server: Served, session_id: string, reason = "manual stop") {
  return curl(server, `/v1/enforce/sessions/${session_id}/kill`, server.admin_key, { reason });
}

/** A session as the server has it. */
export function shown(server: Served, session_id: string) {
  return curl(server, `/v1/enforce/sessions/${session_id}`, server.admin_key);
}

/** The events of a session that the log has, in its order. */
export async function sealed(server: Served, session_id: string): Promise<readonly Sealed[]> {
  const vault = stubOf(VaultService, createConnectTransport({ baseUrl: server.url, httpVersion: "1.1" }));
  const entries: Sealed[] = [];
  let read = 0;
  for (;;) {
    const { entries: page } = await vault.listEntries(
      { fromSequence: BigInt(read), pageSize: 500 },
      { headers: { "x-api-key": server.admin_key } },
    );
    if (page.length === 0) return entries.filter((entry) => entry.session_id === session_id);
    read += page.length;
    entries.push(...page.map(({ content }) => JSON.parse(content) as Sealed));
  }
}

export interface Sealed {
  readonly event: string;
  readonly session_id?: string;
  readonly [more: string]: unknown;
}

/** Resolves when `holds` does; whoever calls it has seen that it comes. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) {
    await new Promise((yes) => setTimeout(yes, 5));
  }
}

/** Resolves when a signal is aborted, with its reason. */
export function aborted(signal: AbortSignal): Promise<unknown> {
  return new Promise((yes) => {
    if (signal.aborted) yes(signal.reason);
    signal.addEventListener("abort", () => yes(signal.reason), { once: true });
  });
}
