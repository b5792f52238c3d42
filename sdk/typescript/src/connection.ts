/** The server: the clients of its services, over a channel that is replaced when it seems dead. */
import { type CallOptions, type Client, type ConnectError, createClient } from "@connectrpc/connect";
import { EnforcementService } from "../gen/killcord/v1/enforcement_pb.js";
import { EscalationService } from "../gen/killcord/v1/escalation_pb.js";
import { SessionService } from "../gen/killcord/v1/session_pb.js";
import { ServerUnreachable } from "./errors.js";
import { callError, failureKind, isSilence, toldFailure } from "./failure.js";
import { backoffMs, type Channel, type Platform, sleep } from "./platform.js";

/** The services over one channel. */
export interface Services {
  readonly channel: Channel;
  readonly sessions: Client<typeof SessionService>;
  readonly enforcement: Client<typeof EnforcementService>;
  readonly escalations: Client<typeof EscalationService>;
}

/** How a call is made. */
export interface CallPlan {
  /** Milliseconds for all tries together. */
  readonly timeout_ms: number;
  /** Ends it; what is thrown then is for the caller to tell. */
  readonly signal?: AbortSignal | undefined;
  /** Goes before all others. */
  readonly urgent?: boolean;
}

/** Longest that one try of a call waits where more are possible: a connection that died is found by then, and left. */
const try_ms = 2500;
/** Calls under way at once. More would make each other late, and a late one is repeated. */
const calls_max = 64;

export class Connection {
  readonly url: string;
  readonly platform: Platform;
  #services: Services;
  /** Whether it was said that the server is away; cleared when it answers. */
  #away = false;
  readonly #said = new Set<string>();
  /** When something was heard of the server. */
  #heard_ms = Number.NEGATIVE_INFINITY;
  #calls = 0;
  readonly #waiting: (() => void)[] = [];
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
    this.#heard_ms = this.platform.clock.nowMs();
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
    const deadline_ms = this.platform.clock.nowMs() + plan.timeout_ms;
    // What follows a stop waits for nobody.
    if (plan.urgent === true) return await this.#tries(plan, deadline_ms, work);
    await this.#turn();
    try {
      return await this.#tries(plan, deadline_ms, work);
    } finally {
      this.#calls -= 1;
      this.#waiting.shift()?.();
    }
  }

  async #turn(): Promise<void> {
    if (this.#calls >= calls_max) await new Promise<void>((turn) => this.#waiting.push(turn));
    this.#calls += 1;
  }

  async #tries<Reply>(
    plan: CallPlan,
    deadline_ms: number,
    work: (services: Services, options: CallOptions) => Promise<Reply>,
  ): Promise<Reply> {
    const { clock, random } = this.platform;
    const longest_ms = Math.max(try_ms, plan.timeout_ms / 2);
    for (let tries = 1; ; tries += 1) {
      const left_ms = deadline_ms - clock.nowMs();
      const services = this.#services;
      let failure: ConnectError;
      try {
        const reply = await work(services, {
          timeoutMs: Math.ceil(Math.max(1, Math.min(left_ms, longest_ms))),
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
    // One that is merely slow is not left: what goes on over it has to be told anew then.
    const is_dead = isSilence(failure) && this.platform.clock.nowMs() - this.#heard_ms >= try_ms;
    if (is_dead || services.channel.isUnfit?.(failure)) this.leave(services, failure);
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
    escalations: createClient(EscalationService, channel.transport),
  };
}

function unreachable(failure: ConnectError, url: string, timeout_ms: number): ServerUnreachable {
  return new ServerUnreachable(
    "unavailable",
    `no answer from ${url} within ${timeout_ms / 1000} s (${failure.rawMessage}): is the server up, and is KILLCORD_URL right?`,
    { cause: failure },
  );
}
