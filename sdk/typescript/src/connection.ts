/** The server: the clients of its services, over a channel that is replaced when it seems dead. */
import { type CallOptions, type Client, type ConnectError, createClient } from "@connectrpc/connect";
import { EnforcementService } from "../gen/killcord/v1/enforcement_pb.js";
import { SessionService } from "../gen/killcord/v1/session_pb.js";
import { ServerUnreachable } from "./errors.js";
import { callError, failureKind, isSilence, toldFailure } from "./failure.js";
import { backoffMs, type Channel, type Platform, sleep } from "./platform.js";

/** The services over one channel. */
export interface Services {
  readonly channel: Channel;
  readonly sessions: Client<typeof SessionService>;
  readonly enforcement: Client<typeof EnforcementService>;
}

/** How a call is made. */
export interface CallPlan {
  /** Milliseconds for all tries together. */
  readonly timeout_ms: number;
  /** Ends it; what is thrown then is for the caller to tell. */
  readonly signal?: AbortSignal | undefined;
}

/** Longest that one try of a call waits: a connection that died is found by then, and left. */
const try_ms = 2500;

export class Connection {
  readonly url: string;
  readonly platform: Platform;
  #services: Services;
  /** Whether it was said that the server is away; cleared when it answers. */
  #away = false;
  readonly #said = new Set<string>();
  readonly #renewals = new Set<() => void>();

  constructor(url: string, platform: Platform) {
    this.url = url;
    this.platform = platform;
    this.#services = servicesOver(platform.openChannel(null));
  }

  get services(): Services {
    return this.#services;
  }

  /** Calls `run` whenever the channel was replaced, until the returned function is called. */
  onRenewal(run: () => void): () => void {
    this.#renewals.add(run);
    return () => this.#renewals.delete(run);
  }

  /**
   * Leaves a channel that seems dead for a fresh one. The old one is not torn down: what is under way
   * on it fails by itself, and its connection closes when it is idle.
   */
  leave(services: Services, failure: ConnectError): void {
    if (services !== this.#services) return;
    this.#services = servicesOver(this.platform.openChannel(failure));
    for (const run of this.#renewals) run();
  }

  /** Says something once in the life of the client. */
  once(message: string): void {
    if (this.#said.has(message)) return;
    this.#said.add(message);
    this.platform.warn(message);
  }

  /** The server answered. */
  answered(): void {
    this.#away = false;
  }

  /** A call failed and is tried again: said once until the server answers. */
  failing(failure: ConnectError): void {
    if (this.#away) return;
    this.#away = true;
    this.platform.warn(
      `no answer from ${this.url} (${failure.rawMessage}): nothing is allowed until it is back, and leases run out`,
    );
  }

  /**
   * Makes a unary call, and repeats it while that may help and time is left.
   *
   * @param work one try; a repeat must be harmless
   * @throws {KillcordError} when it is refused or time is up
   */
  async call<Reply>(
    plan: CallPlan,
    work: (services: Services, options: CallOptions) => Promise<Reply>,
  ): Promise<Reply> {
    const { clock, random } = this.platform;
    const deadline_ms = clock.nowMs() + plan.timeout_ms;
    for (let tries = 1; ; tries += 1) {
      const left_ms = deadline_ms - clock.nowMs();
      const services = this.#services;
      let failure: ConnectError;
      try {
        const reply = await work(services, {
          timeoutMs: Math.ceil(Math.max(1, Math.min(left_ms, try_ms))),
          ...(plan.signal === undefined ? {} : { signal: plan.signal }),
        });
        this.answered();
        return reply;
      } catch (thrown) {
        failure = callError(thrown);
      }
      if (plan.signal?.aborted || failureKind(failure) !== "passing") throw toldFailure(failure, this.url);
      this.suspect(services, failure);
      const wait_ms = backoffMs(random, tries);
      if (clock.nowMs() + wait_ms >= deadline_ms) throw unreachable(failure, this.url, plan.timeout_ms);
      await sleep(clock, wait_ms);
      if (plan.signal?.aborted) throw toldFailure(failure, this.url);
    }
  }

  /** Judges a channel by what failed on it. */
  suspect(services: Services, failure: ConnectError): void {
    if (isSilence(failure) || services.channel.isUnfit?.(failure)) this.leave(services, failure);
  }

  close(): void {
    this.#renewals.clear();
    this.#services.channel.close();
  }
}

function servicesOver(channel: Channel): Services {
  return {
    channel,
    sessions: createClient(SessionService, channel.transport),
    enforcement: createClient(EnforcementService, channel.transport),
  };
}

function unreachable(failure: ConnectError, url: string, timeout_ms: number): ServerUnreachable {
  return new ServerUnreachable(
    "unavailable",
    `no answer from ${url} within ${timeout_ms / 1000} s (${failure.rawMessage}): is the server up, and is KILLCORD_URL right?`,
    { cause: failure },
  );
}
