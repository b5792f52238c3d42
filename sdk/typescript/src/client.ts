/** The way in: one client a program, all its sessions over it. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { StartSessionRequestSchema } from "../gen/killcord/v1/session_pb.js";
import { wireBudgets } from "./budgets.js";
import { Connection } from "./connection.js";
import { KillcordError } from "./errors.js";
import { newKey } from "./intercept.js";
import { type SessionPlan, type StartOptions, sessionPlan } from "./options.js";
import type { Platform } from "./platform.js";
import { Run } from "./run.js";
import { Session } from "./session.js";
import { type SessionView, type WatchFilter, watchSessions } from "./sessions-watched.js";
import { Watch } from "./watch.js";
import { on_lease_lost_codes } from "./words.js";

export class Client implements AsyncDisposable {
  readonly #connection: Connection;
  readonly #watch: Watch;
  readonly #parent_session_id: string | undefined;
  readonly #runs = new Set<Run>();
  #closed = false;

  /** @internal */
  constructor(url: string, platform: Platform, parent_session_id: string | undefined) {
    this.#connection = new Connection(url, platform);
    this.#watch = new Watch(this.#connection);
    this.#parent_session_id = parent_session_id;
  }

  /**
   * Opens a session: one run of one agent. It is tried until its timeout, and never opens two.
   *
   * @throws {AccessDenied} when the key is not taken
   * @throws {ServerUnreachable} when there is no answer in time
   * @throws {KillcordError} when it is refused: `code` says why, e.g. scope_halted
   */
  async startSession(options: StartOptions = {}): Promise<Session> {
    if (this.#closed) throw new KillcordError("client_closed", "the client is closed: make another");
    const plan = sessionPlan(options, this.#parent_session_id);
    const { platform } = this.#connection;
    const release = platform.hold();
    try {
      const request = startRequest(plan);
      // The lease runs from the first try on: it may be the one that was heard.
      const sent_ms = platform.clock.nowMs();
      const { session } = await this.#connection.call({ timeout_ms: plan.timeout_ms }, ({ sessions }, call) =>
        sessions.startSession(request, call),
      );
      if (session === undefined) throw new KillcordError("internal", "the server opened no session");
      if (plan.lease_seconds !== null && session.leaseSeconds === undefined) {
        this.#connection.once("the server keeps no leases: only this side ends a run that it cannot reach");
      }
      const run = new Run(this.#connection, this.#watch, plan, session, sent_ms);
      this.#runs.add(run);
      run.whenClosed(() => this.#runs.delete(run));
      return new Session(run);
    } finally {
      release();
    }
  }

  /**
   * Follows sessions: each as it is now, then each change; a stop is never missed. It goes on over
   * whatever happens to the connection, until the signal is aborted or the loop is left.
   *
   * @throws {KillcordError} when the server refuses it
   */
  watch(
    filter: WatchFilter = {},
    options: { readonly signal?: AbortSignal } = {},
  ): AsyncIterable<SessionView> {
    return watchSessions(this.#connection, filter, options.signal);
  }

  /** Closes what is open and lets go of the connection. Never throws. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#runs].map((run) => run.close("tasks_cancelled")));
    this.#watch.close();
    this.#connection.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function startRequest(plan: SessionPlan): MessageInitShape<typeof StartSessionRequestSchema> {
  return {
    idempotencyKey: newKey(),
    budgets: wireBudgets(plan.budgets),
    ...(plan.agent_id === undefined ? {} : { agentId: plan.agent_id }),
    ...(plan.label === undefined ? {} : { label: plan.label }),
    ...(plan.credential_id === undefined ? {} : { credentialId: plan.credential_id }),
    ...(plan.parent_session_id === undefined ? {} : { parentSessionId: plan.parent_session_id }),
    ...(plan.lease_seconds === null
      ? {}
      : { leaseSeconds: plan.lease_seconds, onLeaseLost: on_lease_lost_codes[plan.on_lease_lost] }),
  };
}
