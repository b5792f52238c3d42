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
  readonly tokens: number | null;
  readonly money: number | null;
  /** Whether it waits for a person when a limit is reached. */
  readonly waits: boolean;
  readonly depth: number | null;
  readonly concurrent: number | null;
  readonly warn: readonly number[];
}

export interface Cost {
  readonly tokens: number;
  readonly money: number;
}

/** What an action says of its cost. */
export interface Asking {
  readonly cost: Cost | null;
  readonly estimate: Cost | null;
}

export type Unit = "actions" | "tokens" | "money";

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
  | { readonly fact: "acted"; readonly session: string; readonly at: number; readonly cost: Cost | null }
  /** Numbered from 0, in the order in which they were made. */
  | { readonly fact: "reserved"; readonly session: string; readonly amounts: Cost }
  | { readonly fact: "closed"; readonly reservation: number; readonly spent: Cost; readonly over: Cost }
  | { readonly fact: "raised"; readonly session: string; readonly limit: Unit | "ttl"; readonly to: number }
  /** What a session asked for and did not get, when that made it wait. */
  | { readonly fact: "wanted"; readonly session: string; readonly unit: Unit; readonly amount: number }
  /** It waits for a person no more, but something else may hold it. */
  | { readonly fact: "freed"; readonly session: string }
  | { readonly fact: "warned"; readonly session: string; readonly unit: Unit; readonly percent: number }
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

/** An order, the one above, or its own lost lease or budget, which no lift ends. */
type Holder = "order" | "above" | "lease" | "budget";
type Ordered = Extract<Fact, { fact: "ordered" }>;
type Reserved = Extract<Fact, { fact: "reserved" }>;
type Opened = Extract<Fact, { fact: "opened" }>;

const day = 24 * 3600;
const most = 2 ** 53 - 1;
const costs = ["tokens", "money"] as const;
const units: readonly Unit[] = ["actions", ...costs];
const free: Cost = { tokens: 0, money: 0 };
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

  /** What is to be seen of every session: its status, why it stopped, and its budgets. */
  view(): readonly string[] {
    return this.#opened().map(({ session }) => {
      const why = this.#why(session.id);
      const live = this.#isHeld(session.id) ? "paused" : "active";
      const budgets = units.map((unit) => {
        const { id } = session;
        const [spent, held, over] = [this.#spent(id, unit), this.#held(id, unit), this.#over(id, unit)];
        return `${unit} ${spent}+${held}+${over}/${this.#limit(id, unit)} warned ${this.#warned(id, unit)}`;
      });
      return `${session.id} ${why ?? live} ${budgets.join(" ")} open ${this.#openAt(session.id)}`;
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
      const path = this.#above(session.parent);
      const too_deep = path.some((each, i) => path.length - i > (each.session.depth ?? 8));
      if (this.#isHeld(session.parent) || path.length > 8 || too_deep) {
        return "refused session_not_active";
      }
    }
    const { max, tokens, money, ttl, idle } = session;
    const unlimited = [max, tokens, money, ttl, idle].every((limit) => limit === null);
    const limited = { ...session, agent, idle: unlimited ? day : session.idle };
    this.#facts.push({ fact: "opened", session: limited, by, at });
    return this.#use(`${by.name} start`, repeat, `session ${session.id}`);
  }

  intercept(
    by: Caller,
    id: string | null,
    agent: string | null,
    asking: Asking,
    repeat: Repeat | null,
    at: number,
  ): string {
    if (id === null) {
      return this.#interceptOutside(by, agent, repeat);
    }
    const answer = this.#intercept(by, id, agent, asking, repeat, at);
    if (!answer.startsWith("refused")) {
      this.#facts.push({ fact: "heard", session: id, at });
    }
    return answer;
  }

  #intercept(
    by: Caller,
    id: string,
    agent: string | null,
    asking: Asking,
    repeat: Repeat | null,
    at: number,
  ): string {
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
    const is_out =
      agent !== null && (this.#isRevoked(agent) || this.#isHalted([{ kind: "agent", id: agent }]));
    const blocked = this.#find(id)?.session.agent === null && is_out;
    const cost = asking.cost ?? asking.estimate ?? free;
    if (this.#why(id) === null && this.#exceed(id, ["actions"], { actions: 1 }, at)) {
      return "block";
    }
    if (this.#why(id) === null && !blocked && this.#exceed(id, costs, cost, at)) {
      return "block";
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
    const refused = blocked || !this.#isFree(id, asking);
    this.#facts.push({ fact: "acted", session: id, at, cost: refused ? null : asking.cost });
    if (!refused && asking.estimate !== null) {
      this.#facts.push({ fact: "reserved", session: id, amounts: asking.estimate });
    }
    this.#warn(id);
    return this.#use(`${by.name} ${id}`, repeat, refused ? "block" : "allow");
  }

  /**
   * Stops or holds the one nearest to the root whose limit an action would pass.
   *
   * @returns whether the action is blocked by that; where it stops, that is found out elsewhere
   */
  #exceed(id: string, of: readonly Unit[], asked: Partial<Record<Unit, number>>, at: number): boolean {
    for (const { session } of this.#above(id)) {
      for (const unit of of) {
        const amount = asked[unit] ?? 0;
        const limit = this.#limitOrNone(session.id, unit);
        const used = this.#spent(session.id, unit) + this.#over(session.id, unit);
        if (limit !== null && used + amount > limit) {
          if (!session.waits) {
            this.#stop(session.id, "budget_exceeded");
            return false;
          }
          this.#facts.push({ fact: "wanted", session: session.id, unit, amount });
          this.#holdAll(session.id, "budget", at);
          return true;
        }
      }
    }
    return false;
  }

  /** Whether nothing that may come back is in the way of an action. */
  #isFree(id: string, { cost, estimate }: Asking): boolean {
    return this.#above(id).every(({ session }) => {
      const fits = costs.every((unit) => {
        const limit = this.#limitOrNone(session.id, unit);
        const used = this.#spent(session.id, unit) + this.#held(session.id, unit);
        // Without a limit nothing is refused for an overrun; but no sum passes what can be counted.
        const over = limit === null ? 0 : this.#over(session.id, unit);
        const asked = (cost ?? estimate ?? free)[unit];
        return asked === 0 || used + over + asked <= (limit ?? most);
      });
      return fits && (estimate === null || this.#openAt(session.id) < (session.concurrent ?? 10_000));
    });
  }

  /**
   * @param reservation number of it, in the order in which they were made
   * @param reported what it cost; null where it is given back
   */
  close(by: Caller, reservation: number, reported: Cost | null): string {
    if (this.#isRevoked(by.name)) {
      return "refused expired_api_key";
    }
    const held = this.#open(reservation);
    if (held === null) {
      return "not open";
    }
    if (!this.#owns(by, this.#find(held.session) as Opened)) {
      return "refused insufficient_permissions";
    }
    this.#close(reservation, reported ?? free);
    return "settled";
  }

  /** Nobody has said in time what it cost. */
  lapse(reservation: number): string {
    const held = this.#open(reservation);
    if (held === null) {
      return "not open";
    }
    this.#close(reservation, held.amounts);
    return "settled";
  }

  #close(reservation: number, reported: Cost): void {
    const { session, amounts } = this.#open(reservation) as Reserved;
    const part = (unit: keyof Cost) => {
      const rooms = this.#above(session).map(({ session: { id } }) => {
        return this.#limit(id, unit) - this.#spent(id, unit) - this.#held(id, unit) + amounts[unit];
      });
      return Math.min(reported[unit], ...rooms);
    };
    const spent = { tokens: part("tokens"), money: part("money") };
    const over = { tokens: reported.tokens - spent.tokens, money: reported.money - spent.money };
    this.#facts.push({ fact: "closed", reservation, spent, over });
    this.#warn(session);
  }

  /** An operator raises a limit. */
  raise(id: string, limit: Unit | "ttl", to: number, at: number): string {
    const opened = this.#find(id);
    if (opened === null) {
      return "refused session_not_found";
    }
    this.#expire(id, at);
    if (this.#why(id) !== null) {
      return "refused session_not_active";
    }
    const from = limit === "ttl" ? this.#ttl(opened) : this.#limitOrNone(id, limit);
    if (to !== from && (from === null || to < from)) {
      return "refused invalid_argument";
    }
    if (to === from) {
      return `session ${id}`;
    }
    this.#facts.push({ fact: "raised", session: id, limit, to });
    if (limit !== "ttl") {
      this.#facts.push({ fact: "warned", session: id, unit: limit, percent: this.#reached(id, limit) });
      this.#goOn(id, limit, at);
    }
    return `session ${id}`;
  }

  #goOn(id: string, unit: Unit, at: number): void {
    const wanted = this.#facts.findLast((each) => each.fact === "wanted" && each.session === id);
    if (this.#heldBy(id) !== "budget" || wanted?.fact !== "wanted" || wanted.unit !== unit) {
      return;
    }
    if (this.#spent(id, unit) + this.#over(id, unit) + wanted.amount <= this.#limit(id, unit)) {
      this.#facts.push({ fact: "freed", session: id });
      this.#lift([], at);
    }
  }

  /** The server dies and comes back: leases begin anew. */
  restart(at: number): void {
    for (const { session } of this.#opened()) {
      this.#facts.push({ fact: "heard", session: session.id, at });
    }
  }

  #limitOrNone(id: string, unit: Unit): number | null {
    const raised = this.#facts.findLast(
      (each) => each.fact === "raised" && each.session === id && each.limit === unit,
    );
    const { max, tokens, money } = (this.#find(id) as Opened).session;
    return raised?.fact === "raised" ? raised.to : { actions: max, tokens, money }[unit];
  }

  #limit(id: string, unit: Unit): number {
    return this.#limitOrNone(id, unit) ?? most;
  }

  #ttl({ session }: Opened): number | null {
    const raised = this.#facts.findLast(
      (each) => each.fact === "raised" && each.session === session.id && each.limit === "ttl",
    );
    return raised?.fact === "raised" ? raised.to : session.ttl;
  }

  #spent(id: string, unit: Unit): number {
    if (unit === "actions") {
      return this.#actions(id);
    }
    return this.#facts.reduce((sum, each) => {
      if (each.fact === "acted" && this.#isUnder(each.session, id)) {
        return sum + (each.cost ?? free)[unit];
      }
      return each.fact === "closed" && this.#isOf(each.reservation, id) ? sum + each.spent[unit] : sum;
    }, 0);
  }

  #over(id: string, unit: Unit): number {
    const over = this.#facts.reduce(
      (sum, each) =>
        unit !== "actions" && each.fact === "closed" && this.#isOf(each.reservation, id)
          ? sum + each.over[unit]
          : sum,
      0,
    );
    return Math.min(over, most);
  }

  #held(id: string, unit: Unit): number {
    return this.#reserved().reduce(
      (sum, _, i) =>
        sum + (unit !== "actions" && this.#isOf(i, id) ? (this.#open(i)?.amounts[unit] ?? 0) : 0),
      0,
    );
  }

  #openAt(id: string): number {
    return this.#reserved().filter((_, i) => this.#isOf(i, id) && this.#open(i) !== null).length;
  }

  #reserved(): readonly Reserved[] {
    return this.#facts.filter((each): each is Reserved => each.fact === "reserved");
  }

  /** Whether a reservation counts at a session. */
  #isOf(reservation: number, id: string): boolean {
    return this.#isUnder((this.#reserved()[reservation] as Reserved).session, id);
  }

  #open(reservation: number): Reserved | null {
    const is_closed = this.#facts.some((each) => each.fact === "closed" && each.reservation === reservation);
    return is_closed ? null : (this.#reserved()[reservation] ?? null);
  }

  #reached(id: string, unit: Unit): number {
    const spent = this.#spent(id, unit);
    const limit = this.#limitOrNone(id, unit);
    const { warn } = (this.#find(id) as Opened).session;
    const reached = warn.filter((percent) => limit !== null && spent > 0 && spent * 100 >= percent * limit);
    return Math.max(0, ...reached);
  }

  #warned(id: string, unit: Unit): number {
    const last = this.#facts.findLast(
      (each) => each.fact === "warned" && each.session === id && each.unit === unit,
    );
    return last?.fact === "warned" ? last.percent : 0;
  }

  #warn(below: string): void {
    for (const { session } of this.#above(below)) {
      for (const unit of this.#why(session.id) === null ? units : []) {
        const percent = this.#reached(session.id, unit);
        if (percent > this.#warned(session.id, unit)) {
          this.#facts.push({ fact: "warned", session: session.id, unit, percent });
        }
      }
    }
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
    const target = { kind: "session", id } as const;
    if (this.#why(id) === null && !this.#inForce().some((each) => isSame(each.target, target))) {
      this.#order(target, "pause", at);
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
      const waits =
        ["lease", "budget"].includes(this.#heldBy(id) ?? "") || (parent !== null && this.#isHeld(parent));
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
    if (turn?.fact !== "held") {
      return null;
    }
    const freed = this.#facts.findLastIndex((each) => each.fact === "freed" && each.session === id);
    return turn.by === "budget" && freed > this.#facts.indexOf(turn) ? "order" : turn.by;
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
    const over = path.find((each) => at >= each.at + (this.#ttl(each) ?? 1e9) * 1000);
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
      if (session.lease?.on_lost === "pause" && !this.#isHeld(session.id)) {
        this.#holdAll(session.id, "lease", at);
      }
    }
  }

  /** Holds a session, and all below it that nothing holds yet. */
  #holdAll(id: string, by: Holder, at: number): void {
    for (const { session } of this.#opened()) {
      const { id: held } = session;
      if (this.#isUnder(held, id) && this.#why(held) === null && !this.#isHeld(held)) {
        this.#facts.push({ fact: "held", session: held, at, by: held === id ? by : "above" });
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
