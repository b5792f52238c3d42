/**
 * The rules once more, as dumb as can be: a list of facts, and every answer found by going through
 * all of them. No code of src/, no state but the list. Only what property.test.ts asks is here.
 */

export interface Caller {
  readonly name: string;
  readonly kind: "root" | "plain" | "credential";
  readonly agent: string | null;
  readonly require_session: boolean;
}

export interface Opening {
  readonly id: string;
  readonly parent: string | null;
  readonly agent: string | null;
  readonly label: string | null;
  readonly max: number | null;
  readonly ttl: number | null;
  readonly idle: number | null;
  readonly lease: Lease | null;
}

export interface Lease {
  readonly seconds: number;
  readonly on_lost: "kill" | "pause" | "continue";
}

export interface Target {
  readonly kind: "session" | "agent" | "credential" | "label" | "workspace";
  readonly id: string;
}

export interface Repeat {
  readonly key: string;
  readonly request: string;
}

type Fact =
  | { readonly fact: "opened"; readonly session: Opening; readonly by: Caller; readonly at: number }
  | { readonly fact: "acted"; readonly session: string; readonly at: number }
  | { readonly fact: "told"; readonly session: string }
  | { readonly fact: "stopped"; readonly session: string; readonly why: string }
  | {
      readonly fact: "ordered";
      readonly halt: number;
      readonly target: Target;
      readonly mode: "kill" | "pause";
    }
  | { readonly fact: "lifted"; readonly halt: number }
  | { readonly fact: "held"; readonly session: string; readonly at: number; readonly by: Holder }
  | { readonly fact: "released"; readonly session: string; readonly at: number }
  | { readonly fact: "heard" | "lost"; readonly session: string; readonly at: number }
  | { readonly fact: "revoked"; readonly what: string }
  | { readonly fact: "used"; readonly key: string; readonly request: string; readonly answer: string };

/** An order, the one above, or its own lost lease, which no lift ends. */
type Holder = "order" | "above" | "lease";
type Ordered = Extract<Fact, { fact: "ordered" }>;
type Opened = Extract<Fact, { fact: "opened" }>;

const day = 24 * 3600;
const everything: Target = { kind: "workspace", id: "" };

function isSame(one: Target, other: Target): boolean {
  return one.kind === other.kind && (one.kind === "workspace" || one.id === other.id);
}

/** What a session or an action stands on by itself. */
function ownTargets(
  { agent, label }: Pick<Opening, "agent" | "label">,
  credential: string | null,
): readonly Target[] {
  return [
    ...(agent === null ? [] : [{ kind: "agent" as const, id: agent }]),
    ...(credential === null ? [] : [{ kind: "credential" as const, id: credential }]),
    ...(label === null ? [] : [{ kind: "label" as const, id: label }]),
  ];
}

export class Model {
  readonly #facts: Fact[] = [];
  readonly #agentOf: (credential: string) => string | null;

  /** @param agentOf tells a credential's agent, and null for any other name */
  constructor(agentOf: (credential: string) => string | null) {
    this.#agentOf = agentOf;
  }

  /** What is to be seen of every session: its status, why it stopped, its actions. */
  view(): readonly string[] {
    return this.#opened().map(({ session }) => {
      const why = this.#why(session.id);
      const live = this.#isHeld(session.id) ? "paused" : "active";
      return `${session.id} ${why ?? live} ${this.#actions(session.id)}`;
    });
  }

  open(by: Caller, session: Opening, repeat: Repeat | null, at: number): string {
    const agent = by.kind === "credential" ? by.agent : session.agent;
    if (this.#isRevoked(by.name)) {
      return "refused expired_api_key";
    }
    if (by.kind === "credential" && session.agent !== null && session.agent !== by.agent) {
      return "refused insufficient_permissions";
    }
    const used = this.#used(`${by.name} start`, repeat);
    if (used !== null) {
      return used;
    }
    const own = ownTargets({ ...session, agent }, by.kind === "credential" ? by.name : null);
    if (this.#isHalted([everything])) {
      return "refused scope_halted";
    }
    if (agent !== null && this.#isRevoked(agent)) {
      return "refused agent_suspended";
    }
    if (this.#isHalted(own)) {
      return "refused scope_halted";
    }
    if (session.parent !== null) {
      const parent = this.#find(session.parent);
      if (parent === null) {
        return "refused session_not_found";
      }
      if (!this.#owns(by, parent)) {
        return "refused insufficient_permissions";
      }
      this.#expire(session.parent, at);
      if (this.#why(session.parent) !== null) {
        return "refused session_not_active";
      }
      if (this.#isHalted(this.#targets(session.parent))) {
        return "refused scope_halted";
      }
      if (this.#isHeld(session.parent) || this.#above(session.parent).length > 8) {
        return "refused session_not_active";
      }
    }
    const unlimited = session.max === null && session.ttl === null && session.idle === null;
    const limited = { ...session, agent, idle: unlimited ? day : session.idle };
    this.#facts.push({ fact: "opened", session: limited, by, at });
    return this.#use(`${by.name} start`, repeat, `session ${session.id}`);
  }

  intercept(by: Caller, id: string | null, agent: string | null, repeat: Repeat | null, at: number): string {
    if (id === null) {
      return this.#interceptOutside(by, agent, repeat);
    }
    const answer = this.#intercept(by, id, agent, repeat, at);
    if (!answer.startsWith("refused")) {
      this.#facts.push({ fact: "heard", session: id, at });
    }
    return answer;
  }

  #intercept(by: Caller, id: string, agent: string | null, repeat: Repeat | null, at: number): string {
    const refusal = this.#refusal(by, id, true);
    if (refusal !== null) {
      return refusal;
    }
    const already = this.#why(id) !== null;
    this.#lapse(id, at);
    if (this.#why(id) === null && this.#isHeld(id)) {
      return "block";
    }
    const used = this.#why(id) === null ? this.#used(`${by.name} ${id}`, repeat) : null;
    if (used !== null) {
      return used;
    }
    const full = this.#above(id).find(({ session }) => this.#actions(session.id) + 1 > (session.max ?? 1e9));
    if (this.#why(id) === null && full !== undefined) {
      this.#stop(full.session.id, "budget_exceeded");
    }
    const why = this.#why(id);
    if (why !== null) {
      const told = this.#facts.filter((each) => each.fact === "told" && each.session === id).length;
      if (already && told >= 16) {
        return `terminate ${why} again`;
      }
      this.#facts.push({ fact: "told", session: id });
      return `terminate ${why}`;
    }
    this.#facts.push({ fact: "acted", session: id, at });
    const is_out =
      agent !== null && (this.#isRevoked(agent) || this.#isHalted([{ kind: "agent", id: agent }]));
    const blocked = this.#find(id)?.session.agent === null && is_out;
    return this.#use(`${by.name} ${id}`, repeat, blocked ? "block" : "allow");
  }

  /** @param beats whether it is a sign of life */
  touch(by: Caller, id: string, at: number, beats: boolean): string {
    const refusal = this.#refusal(by, id, true);
    if (refusal === null) {
      this.#lapse(id, at);
    }
    if (refusal === null && beats) {
      this.#facts.push({ fact: "heard", session: id, at });
    }
    return refusal ?? `session ${id}`;
  }

  acknowledge(by: Caller, id: string, wrong: boolean): string {
    const refusal = this.#refusal(by, id, true);
    if (refusal !== null) {
      return refusal;
    }
    const why = this.#why(id);
    if (why === null && !this.#isHeld(id)) {
      return "refused session_not_stopped";
    }
    return wrong || why === "ended" ? "refused halt_not_found" : `session ${id}`;
  }

  end(by: Caller, id: string, at: number): string {
    const refusal = this.#refusal(by, id, false);
    if (refusal === null) {
      this.#expire(id, at);
      this.#stop(id, "ended");
    }
    return refusal ?? `session ${id}`;
  }

  kill(by: Caller, id: string, repeat: Repeat | null, at: number): string {
    const refusal = this.#refusal(by, id, false);
    const used = refusal ?? this.#used(`${by.name} kill ${id}`, repeat);
    if (used !== null) {
      return used;
    }
    this.#expire(id, at);
    if (this.#why(id) === null) {
      this.#order({ kind: "session", id }, "kill", at);
      this.#use(`${by.name} kill ${id}`, repeat, `session ${id}`);
    }
    return `session ${id}`;
  }

  halt(target: Target, mode: "kill" | "pause", at: number): string {
    if (target.kind === "session") {
      if (this.#find(target.id) === null) {
        return "refused session_not_found";
      }
      this.#expire(target.id, at);
      if (this.#why(target.id) !== null) {
        return "refused session_not_active";
      }
    }
    this.#order(target, mode, at);
    return "halt";
  }

  /** @param halt number of the order, in the order in which they were given */
  lift(halt: number, at: number): string {
    if (this.#inForce().some((each) => each.halt === halt)) {
      this.#lift([halt], at);
    }
    return "halt";
  }

  pause(id: string, at: number): string {
    if (this.#find(id) === null) {
      return "refused session_not_found";
    }
    this.#expire(id, at);
    if (this.#why(id) === null && !this.#isHeld(id)) {
      this.#order({ kind: "session", id }, "pause", at);
    }
    return `session ${id}`;
  }

  resume(id: string, at: number): string {
    if (this.#find(id) === null) {
      return "refused session_not_found";
    }
    this.#expire(id, at);
    if (this.#why(id) !== null) {
      return "refused session_not_active";
    }
    if (!this.#isHeld(id)) {
      return `session ${id}`;
    }
    const holding = this.#inForce().filter((order) =>
      this.#targets(id).some((each) => isSame(each, order.target)),
    );
    if (!holding.every(({ target }) => target.kind === "session" && target.id === id)) {
      return "refused scope_halted";
    }
    const parent = this.#find(id)?.session.parent ?? null;
    if (parent !== null && this.#isHeld(parent)) {
      return "refused scope_halted";
    }
    this.#facts.push({ fact: "released", session: id, at });
    this.#lift(
      holding.map((order) => order.halt),
      at,
    );
    return `session ${id}`;
  }

  /** How many orders are in force. */
  inForce(): number {
    return this.#inForce().length;
  }

  /** The timer of a session. */
  tick(id: string, at: number): void {
    if (this.#find(id) !== null) {
      this.#lapse(id, at);
    }
  }

  revokeCredential(name: string): void {
    if (!this.#isRevoked(name)) {
      this.#revoke(name, this.#agentOf(name), "credential_revoked");
    }
  }

  /** @returns whether there is such an agent */
  revokeAgent(name: string): void {
    if (!this.#isRevoked(name)) {
      this.#revoke(name, name, "agent_revoked");
    }
  }

  #interceptOutside(by: Caller, named: string | null, repeat: Repeat | null): string {
    if (this.#isRevoked(by.name)) {
      return "refused expired_api_key";
    }
    if (by.require_session) {
      return "refused session_required";
    }
    if (by.agent !== null && named !== null && named !== by.agent) {
      return "refused insufficient_permissions";
    }
    const agent = named ?? by.agent;
    const own = ownTargets({ agent, label: null }, by.kind === "credential" ? by.name : null);
    if (this.#isHalted([everything, ...own])) {
      return "block";
    }
    if (agent !== null && this.#isRevoked(agent)) {
      this.#use(`${by.name} -`, repeat, "block");
      return "block";
    }
    return this.#used(`${by.name} -`, repeat) ?? this.#use(`${by.name} -`, repeat, "allow");
  }

  #order(target: Target, mode: "kill" | "pause", at: number): void {
    const halt = this.#facts.filter((each) => each.fact === "ordered").length;
    this.#facts.push({ fact: "ordered", halt, target, mode });
    for (const { session } of this.#opened()) {
      const { id } = session;
      const is_reached = this.#why(id) === null && this.#targets(id).some((each) => isSame(each, target));
      if (is_reached && mode === "kill") {
        const why = target.kind === "session" && target.id === id ? "manual" : "halted";
        this.#facts.push({ fact: "stopped", session: id, why });
      } else if (is_reached && !this.#isHeld(id)) {
        this.#facts.push({ fact: "held", session: id, at, by: "order" });
      }
    }
  }

  #lift(halts: readonly number[], at: number): void {
    for (const halt of halts) {
      this.#facts.push({ fact: "lifted", halt });
    }
    for (const { session } of this.#opened()) {
      const { id, parent } = session;
      const waits = this.#heldBy(id) === "lease" || (parent !== null && this.#isHeld(parent));
      const is_free = this.#isHeld(id) && !waits && !this.#isHalted(this.#targets(id));
      if (this.#why(session.id) === null && is_free) {
        this.#facts.push({ fact: "released", session: session.id, at });
      }
    }
  }

  /** Orders that were not lifted, and whose session, if they are on one, has not stopped. */
  #inForce(): readonly Ordered[] {
    return this.#facts.filter(
      (each): each is Ordered =>
        each.fact === "ordered" &&
        !this.#facts.some((other) => other.fact === "lifted" && other.halt === each.halt) &&
        !(each.target.kind === "session" && this.#why(each.target.id) !== null),
    );
  }

  #isHalted(path: readonly Target[]): boolean {
    return this.#inForce().some(({ target }) => path.some((each) => isSame(each, target)));
  }

  /** Everything on which an order reaches a session. */
  #targets(id: string): readonly Target[] {
    return [
      everything,
      ...this.#above(id).flatMap(({ session, by }) => [
        ...ownTargets(session, by.kind === "credential" ? by.name : null),
        { kind: "session" as const, id: session.id },
      ]),
    ];
  }

  #isHeld(id: string): boolean {
    return this.#heldBy(id) !== null;
  }

  #heldBy(id: string): Holder | null {
    const turn = this.#facts.findLast(
      (each) => (each.fact === "held" || each.fact === "released") && each.session === id,
    );
    return turn?.fact === "held" ? turn.by : null;
  }

  /** Milliseconds in which a session was held since its last action, of those times that are over. */
  #heldSince(id: string, since: number): number {
    let held_ms = 0;
    let from = 0;
    for (const each of this.#facts) {
      if (each.fact === "held" && each.session === id) {
        from = each.at;
      } else if (each.fact === "released" && each.session === id && from >= since) {
        held_ms += each.at - from;
      }
    }
    return held_ms;
  }

  #revoke(name: string, agent: string | null, why: string): void {
    for (const { session } of this.#opened()) {
      if (agent !== null && session.agent === agent) {
        this.#stop(session.id, why, why);
      }
    }
    this.#facts.push({ fact: "revoked", what: name });
  }

  #opened(): readonly Opened[] {
    return this.#facts.filter((each): each is Opened => each.fact === "opened");
  }

  #find(id: string): Opened | null {
    return this.#opened().find(({ session }) => session.id === id) ?? null;
  }

  /** From the root down to the session itself. */
  #above(id: string): readonly Opened[] {
    const opened = this.#find(id) as Opened;
    return [...(opened.session.parent === null ? [] : this.#above(opened.session.parent)), opened];
  }

  #isUnder(id: string, above: string): boolean {
    return this.#above(id).some(({ session }) => session.id === above);
  }

  #actions(id: string): number {
    return this.#facts.filter((each) => each.fact === "acted" && this.#isUnder(each.session, id)).length;
  }

  #why(id: string): string | null {
    const stop = this.#facts.find((each) => each.fact === "stopped" && each.session === id);
    return stop?.fact === "stopped" ? stop.why : null;
  }

  #stop(id: string, why: string, below = "parent_stopped"): void {
    for (const { session } of this.#opened().filter((each) => this.#isUnder(each.session.id, id))) {
      if (this.#why(session.id) === null) {
        this.#facts.push({ fact: "stopped", session: session.id, why: session.id === id ? why : below });
      }
    }
  }

  #expire(id: string, at: number): void {
    if (this.#why(id) !== null) {
      return;
    }
    const path = this.#above(id);
    const over = path.find((each) => at >= each.at + (each.session.ttl ?? 1e9) * 1000);
    const idle = path.find((each) => {
      const since = this.#lastAct(each);
      const idle_ms = at - since - this.#heldSince(each.session.id, since);
      return !this.#isHeld(each.session.id) && idle_ms >= (each.session.idle ?? 1e9) * 1000;
    });
    if (over !== undefined) {
      this.#stop(over.session.id, "ttl_expired");
    } else if (idle !== undefined) {
      this.#stop(idle.session.id, "idle_timeout");
    } else {
      const killed = this.#lost(id, at).find(({ session }) => session.lease?.on_lost === "kill");
      if (killed !== undefined) {
        this.#stop(killed.session.id, "lease_lost");
      }
    }
  }

  /** All that time does: also the leases that are lost and stop nothing. */
  #lapse(id: string, at: number): void {
    this.#expire(id, at);
    for (const { session } of this.#why(id) === null ? this.#lost(id, at) : []) {
      this.#facts.push({ fact: "lost", session: session.id, at });
      for (const below of session.lease?.on_lost === "pause" && !this.#isHeld(session.id)
        ? this.#opened()
        : []) {
        const { id: held } = below.session;
        if (this.#isUnder(held, session.id) && this.#why(held) === null && !this.#isHeld(held)) {
          this.#facts.push({ fact: "held", session: held, at, by: held === session.id ? "lease" : "above" });
        }
      }
    }
  }

  /** Those of a session and the ones above it, from the root, that were not heard for too long. */
  #lost(id: string, at: number): readonly Opened[] {
    return this.#above(id).filter((each) => {
      const { id: own, lease } = each.session;
      const last = this.#facts.findLast(
        (fact) =>
          (fact.fact === "heard" || fact.fact === "released" || fact.fact === "lost") && fact.session === own,
      );
      if (lease === null || this.#why(own) !== null || last?.fact === "lost") {
        return false;
      }
      const heard_at = last !== undefined && "at" in last ? last.at : each.at;
      return at >= heard_at + lease.seconds * 1000 + Math.max(1000, lease.seconds * 100);
    });
  }

  #lastAct({ session, at }: Opened): number {
    const acts = this.#facts.flatMap((each) =>
      each.fact === "acted" && this.#isUnder(each.session, session.id) ? [each.at] : [],
    );
    return Math.max(at, ...acts);
  }

  #refusal(by: Caller, id: string, to_learn: boolean): string | null {
    const opened = this.#find(id);
    if (this.#isRevoked(by.name)) {
      const may_learn =
        to_learn && opened !== null && opened.session.agent === by.agent && this.#why(id) !== null;
      return may_learn ? null : "refused expired_api_key";
    }
    if (opened === null) {
      return "refused session_not_found";
    }
    return this.#owns(by, opened) ? null : "refused insufficient_permissions";
  }

  #owns(by: Caller, opened: Opened): boolean {
    switch (by.kind) {
      case "root":
        return true;
      case "plain":
        return opened.by.name === by.name;
      case "credential":
        return opened.session.agent === by.agent;
    }
  }

  #isRevoked(name: string): boolean {
    const agent = this.#agentOf(name);
    return this.#facts.some((each) => each.fact === "revoked" && (each.what === name || each.what === agent));
  }

  #used(scope: string, repeat: Repeat | null): string | null {
    const key = repeat === null ? null : `${scope} ${repeat.key}`;
    const used = this.#facts.findLast((each) => each.fact === "used" && each.key === key);
    if (used?.fact !== "used" || repeat === null) {
      return null;
    }
    return used.request === repeat.request ? `${used.answer} replayed` : "refused idempotency_key_mismatch";
  }

  #use(scope: string, repeat: Repeat | null, answer: string): string {
    if (repeat !== null) {
      this.#facts.push({ fact: "used", key: `${scope} ${repeat.key}`, request: repeat.request, answer });
    }
    return answer;
  }
}
