/**
 * Rounds of bad weather: connections cut, servers killed and drained, stops at any moment, and many
 * watchers. After each round every watcher knows every stop that it has to; at the end everything that any
 * of them was shown is held against the exported log, which verifies.
 */
import { setTimeout as pause } from "node:timers/promises";
import { exported, holdAgainst } from "./evidence.js";
import { openWatch, type Protocol, protocols, type Question } from "./lines.js";
import { agents, labels, roundOf, type Step } from "./plan.js";
import { type Sealed, SealedLog } from "./sealed.js";
import { isOver, type Shown } from "./shown.js";
import { openStream, type StreamLine } from "./stream-line.js";
import { type About, alive, Watcher } from "./watcher.js";
import { World } from "./world.js";

/** How long a watcher may take to learn what is sealed, when the weather is good again. */
const settle_ms = 60_000;
/** Halts that stay in force from one round to the next. */
const halts_kept = 1;
/** Rounds with one log. */
const rounds_per_log = 100;

export type Figures = Record<
  | "rounds"
  | "logs"
  | "entries"
  | "sessions"
  | "stops"
  | "halts"
  | "held"
  | "told"
  | "watchers"
  | "connections"
  | "resumes"
  | "messages"
  | "cuts"
  | "drains"
  | "kills_of_the_server"
  | "actions",
  number
>;

interface Agent {
  readonly agent_id: string;
  readonly credential_id: string;
  readonly secret: string;
}

/** @throws {Error} which says what was lost or invented, and the round to begin with to see it again */
export async function carryOut(
  seed: number,
  first: number,
  rounds: number,
  onRound: (round: number) => void = () => {},
): Promise<Figures> {
  const figures: Figures = {
    rounds: 0,
    logs: 0,
    entries: 0,
    sessions: 0,
    stops: 0,
    halts: 0,
    held: 0,
    told: 0,
    watchers: 0,
    connections: 0,
    resumes: 0,
    messages: 0,
    cuts: 0,
    drains: 0,
    kills_of_the_server: 0,
    actions: 0,
  };
  for (let round = first; round < first + rounds; ) {
    const log_ends = Math.min(first + rounds, round - (round % rounds_per_log) + rounds_per_log);
    const campaign = await Campaign.begin(figures);
    try {
      for (; round < log_ends; round++) {
        await campaign.play(roundOf(seed, round), `seed ${seed}, round ${round}`);
        onRound(round);
      }
      await campaign.finish(`seed ${seed}, after round ${round - 1}`);
    } finally {
      await campaign.close();
    }
  }
  return figures;
}

class Campaign {
  readonly #world: World;
  readonly #figures: Figures;
  readonly #log = new SealedLog();
  /** Its sessions that were live when it was read last. */
  #live: readonly Sealed[] = [];
  /** Sessions in the order in which their starts were planned; null for one that was refused. */
  readonly #sessions: Promise<string | null>[] = [];
  readonly #agents: Promise<Agent>[] = [];
  /** Those that last, and those of a session or some, which leave when they know all. */
  readonly #lasting: Watcher[] = [];
  #passing: Watcher[] = [];
  readonly #streams = new Map<string, Watcher[]>();
  /** Ids whose start, and whose kill, was acknowledged. */
  readonly #started = new Set<string>();
  readonly #killed = new Set<string>();
  /** Everything that was ever shown as over, to the log that it has to be in. */
  readonly #told: Shown[] = [];
  /** Halts in force, oldest first. */
  readonly #halts: string[] = [];
  #generation = 0;
  #keys = 0;

  private constructor(world: World, figures: Figures) {
    this.#world = world;
    this.#figures = figures;
  }

  static async begin(figures: Figures): Promise<Campaign> {
    const campaign = new Campaign(await World.open(), figures);
    figures.logs += 1;
    for (let i = 0; i < agents; i++) {
      campaign.#agents.push(campaign.#register(i));
    }
    await Promise.all(campaign.#agents);
    for (const protocol of protocols) {
      campaign.#lasting.push(campaign.#watch(`all by ${protocol}`, protocol, {}, () => true));
    }
    for (const [i, label] of labels.entries()) {
      const about: About = (session) => session.label === label;
      campaign.#lasting.push(campaign.#watch(`label ${label}`, protocols[i] as Protocol, { label }, about));
    }
    return campaign;
  }

  async play(steps: readonly Step[], where: string): Promise<void> {
    this.#figures.rounds += 1;
    const calls: Promise<unknown>[] = [];
    for (const step of steps) {
      if (step.wait_ms > 0) {
        await pause(step.wait_ms);
      }
      calls.push(this.#take(step));
    }
    await Promise.all(calls);
    await this.#world.up();
    while (this.#halts.length > halts_kept) {
      await this.#lift();
    }
    await this.#settle(where);
  }

  /** Stops what still runs, and holds everything that was shown against the evidence. */
  async finish(where: string): Promise<void> {
    await Promise.all(
      [...this.#log.sessions.values()]
        .filter(({ stop }) => stop === null)
        .map(({ session_id }) => this.#kill(session_id)),
    );
    await this.#settle(where);
    const watchers = [...this.#lasting, ...this.#passing];
    await Promise.all(watchers.map((watcher) => this.#release(watcher)));
    this.#lasting.length = 0;
    this.#passing = [];
    await this.#world.close();
    const sealed = await exported(this.#world.data);
    holdAgainst(sealed, this.#told, this.#started, this.#killed, where);
    this.#figures.entries += sealed.size;
    this.#figures.sessions += sealed.sessions.size;
    this.#figures.stops += sealed.stopped.length;
    this.#figures.actions += sealed.allowed;
    this.#figures.halts += sealed.halts;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#lasting, ...this.#passing].map((watcher) => watcher.leave()));
    await this.#world.close();
  }

  async #take(step: Step): Promise<void> {
    switch (step.do) {
      case "start":
        this.#sessions.push(this.#start(step));
        return;
      case "ask": {
        const session_id = await this.#named(step.session);
        for (const watcher of this.#streams.get(session_id ?? "") ?? []) {
          (watcher.line as StreamLine | null)?.ask(step.count);
        }
        return;
      }
      case "watch": {
        const named = await Promise.all(step.back.map((back) => this.#named(back)));
        const session_ids = [...new Set(named.filter((id) => id !== null))];
        if (session_ids.length > 0) {
          const about: About = ({ session_id }) => session_ids.includes(session_id);
          this.#passing.push(this.#watch(`of ${session_ids.length}`, step.by, { session_ids }, about));
        }
        return;
      }
      case "kill": {
        const session_id = await this.#named(step.session);
        return session_id === null ? undefined : this.#kill(session_id);
      }
      case "end": {
        const session_id = await this.#named(step.session);
        if (session_id !== null) {
          await this.#world.call(`/v1/enforce/sessions/${session_id}/end`, {});
        }
        return;
      }
      case "revoke credential":
      case "revoke agent":
        return this.#revoke(step.do, step.agent);
      case "pause":
      case "resume": {
        const session_id = await this.#named(step.session);
        if (session_id !== null) {
          await this.#world.call(`/v1/enforce/sessions/${session_id}/${step.do}`, {});
        }
        return;
      }
      case "halt":
        return this.#halt(step);
      case "lift":
        return this.#lift();
      case "cut":
        this.#figures.cuts += this.#world.proxy.cut(
          (number) => number % step.of === step.at % step.of,
          step.how,
          step.stall_ms,
        );
        return;
      case "restart":
        this.#figures[step.signal === "SIGTERM" ? "drains" : "kills_of_the_server"] += 1;
        await this.#world.restart(step.signal);
    }
  }

  async #named(back: number): Promise<string | null> {
    return this.#sessions.length === 0
      ? null
      : ((await this.#sessions[this.#sessions.length - 1 - (back % this.#sessions.length)]) ?? null);
  }

  async #register(slot: number): Promise<Agent> {
    this.#generation += 1;
    const name = `bot-${slot}-${this.#generation}`;
    const { body } = await this.#world.call("/v1/enforce/agents", { name }, undefined, this.#newKey());
    const credential = body.credential as { credential_id: string; secret: string };
    const agent = { agent_id: name, ...credential };
    // Its own watch, with its own key: it has to learn what its revocation stops.
    const watcher = new Watcher({
      name: `the agent ${name}`,
      about: ({ agent_id, start }) => agent_id === name && start < (this.#log.revoked.get(name) ?? Infinity),
      session_ids: null,
      may_end: "unauthenticated",
      open: (token, hear) =>
        openWatch({ port: this.#world.proxy.port, key: agent.secret }, "grpc", {}, token, hear),
    });
    this.#lasting.push(watcher);
    return agent;
  }

  async #start(step: Extract<Step, { do: "start" }>): Promise<string | null> {
    const parent = step.under === null ? null : await this.#named(step.under);
    const agent = await (this.#agents[step.agent] as Promise<Agent>);
    const { body, status } = await this.#world.call(
      "/v1/enforce/sessions/start",
      {
        ...(step.on_credential ? {} : { agent_id: agent.agent_id }),
        label: labels[step.label],
        ...(parent === null ? {} : { parent_session_id: parent }),
        budgets: {
          ...(step.ttl_seconds === null ? {} : { ttl_seconds: step.ttl_seconds }),
          ...(step.max_actions === null ? {} : { max_actions: step.max_actions }),
        },
      },
      step.on_credential ? agent.secret : this.#world.admin_key,
      this.#newKey(),
    );
    if (status !== 200 && status !== 201) {
      return null;
    }
    const session_id = String(body.session_id);
    this.#started.add(session_id);
    const about: About = (session) => session.session_id === session_id;
    this.#passing.push(this.#watch(session_id, step.watch, { session_id }, about));
    if (step.stream !== "none") {
      this.#stream(session_id, step.on_credential ? agent.secret : this.#world.admin_key, step.stream);
    }
    return session_id;
  }

  async #kill(session_id: string): Promise<void> {
    const { status } = await this.#world.call(`/v1/enforce/sessions/${session_id}/kill`, {
      reason: "enough",
    });
    if (status !== 200) {
      throw new Error(`a kill of ${session_id} was answered ${status}`);
    }
    this.#killed.add(session_id);
  }

  async #revoke(what: "revoke credential" | "revoke agent", slot: number): Promise<void> {
    const { agent_id, credential_id } = await (this.#agents[slot] as Promise<Agent>);
    const path =
      what === "revoke agent"
        ? `/v1/enforce/agents/${agent_id}/revoke`
        : `/v1/enforce/credentials/${credential_id}/revoke`;
    const { status } = await this.#world.call(path, { reason: "leaked" });
    if (status !== 200) {
      throw new Error(`${what} was answered ${status}`);
    }
    this.#agents[slot] = this.#register(slot);
    await this.#agents[slot];
  }

  async #halt({ scope, of, mode }: Extract<Step, { do: "halt" }>): Promise<void> {
    const id =
      scope === "agent"
        ? (await (this.#agents[of] as Promise<Agent>)).agent_id
        : scope === "label"
          ? labels[of % labels.length]
          : undefined;
    const asked = { scope: { kind: scope, ...(id === undefined ? {} : { id }) }, mode };
    const { status, body } = await this.#world.call("/v1/enforce/halts", asked, undefined, this.#newKey());
    if (status !== 200) {
      throw new Error(`a halt was answered ${status}: ${JSON.stringify(body)}`);
    }
    this.#halts.push(String(body.halt_id));
  }

  async #lift(): Promise<void> {
    const halt_id = this.#halts.shift();
    if (halt_id !== undefined) {
      const { status } = await this.#world.call(`/v1/enforce/halts/${halt_id}/lift`, {});
      if (status !== 200) {
        throw new Error(`the lift of ${halt_id} was answered ${status}`);
      }
    }
  }

  #newKey(): string {
    this.#keys += 1;
    return `call-${this.#keys}`;
  }

  #watch(name: string, protocol: Protocol, question: Question, about: About): Watcher {
    const door = { port: this.#world.proxy.port, key: this.#world.admin_key };
    return new Watcher({
      name: `${name} by ${protocol}`,
      about,
      session_ids:
        "session_id" in question
          ? [question.session_id as string]
          : "session_ids" in question
            ? (question.session_ids as readonly string[])
            : null,
      open: (token, hear) => openWatch(door, protocol, question, token, hear),
    });
  }

  #stream(session_id: string, key: string, kind: "silent" | "acknowledges"): void {
    const door = { port: this.#world.proxy.port, key };
    const watcher = new Watcher({
      name: `the stream of ${session_id}`,
      about: (session) => session.session_id === session_id,
      session_ids: [session_id],
      open: (_, hear) => openStream(door, session_id, kind === "acknowledges", hear),
    });
    this.#passing.push(watcher);
    this.#streams.set(session_id, [...(this.#streams.get(session_id) ?? []), watcher]);
  }

  /** Waits until every watcher knows every stop that is sealed and concerns it. */
  async #settle(where: string): Promise<void> {
    await this.#world.read(this.#log);
    this.#live = [...this.#log.sessions.values()].filter(({ stop }) => stop === null);
    this.#figures.held += this.#live.filter(({ paused }) => paused !== null).length;
    const deadline_ms = performance.now() + settle_ms;
    const settle = async (watcher: Watcher) => {
      const lacks = () => this.#lacking(watcher);
      if (!(await watcher.until(() => lacks() === null, deadline_ms))) {
        const what = watcher.faults[0] ?? `${watcher.parts.name}: never learned ${JSON.stringify(lacks())}`;
        throw new Error(`${where}: ${what}`);
      }
    };
    await Promise.all([...this.#lasting, ...this.#passing].map(settle));
    const finished = this.#passing.filter((watcher) => this.#isFinished(watcher));
    this.#passing = this.#passing.filter((watcher) => !finished.includes(watcher));
    await Promise.all(finished.map((watcher) => this.#release(watcher)));
  }

  /** The first session of which a watcher does not know that it has stopped, or is held, or goes on. */
  #lacking({ parts, first, known }: Watcher): Sealed | null {
    if (first === null && parts.session_ids === null) {
      // It knows nothing yet, not even from when on it has to.
      return this.#log.stopped.at(-1) ?? null;
    }
    const stopped = this.#log.stopped.find(
      (session) =>
        parts.about(session) &&
        !(parts.session_ids === null && (session.stop?.sequence ?? 0) <= (first ?? 0)) &&
        !isOver(known.get(session.session_id) ?? alive),
    );
    const other = this.#live.find((session) => {
      const shown = known.get(session.session_id);
      // It may have expired since the log was read.
      const agrees = shown !== undefined && (isOver(shown) || isHeld(shown, session));
      return parts.about(session) && !agrees;
    });
    return stopped ?? other ?? null;
  }

  /** Whether all that it is about is over: it watches some sessions, and not a kind of them. */
  #isFinished({ parts }: Watcher): boolean {
    return ![...this.#log.sessions.values()].some((session) => session.stop === null && parts.about(session));
  }

  async #release(watcher: Watcher): Promise<void> {
    await watcher.leave();
    this.#figures.watchers += 1;
    this.#figures.connections += watcher.connections;
    this.#figures.resumes += watcher.resumes;
    this.#figures.messages += watcher.messages;
    for (const shown of watcher.known.values()) {
      this.#figures.told += isOver(shown) ? 1 : 0;
      this.#told.push(shown);
    }
  }
}

/** Whether it is shown as held by what holds it, or as going on when nothing does. */
function isHeld(shown: Shown, { paused }: Sealed): boolean {
  return paused === null ? shown.status === "active" : shown.status === "paused" && shown.halt_id === paused;
}
