/**
 * Rounds of many clients that spend from one tree of sessions over gRPC and REST, while the server is killed
 * and their connections are cut. At every moment, by every answer, by every state that a watch shows, and by
 * the exported, verified log in the end: what is spent and held of a budget never passes its limit.
 */
import { setTimeout as pause } from "node:timers/promises";
import { parseUsd, printUsd } from "../../src/core/money.js";
import { numbersOf } from "../mutations/mutations.js";
import { BudgetWatch } from "./budget-watch.js";
import { ledgerOf } from "./evidence.js";
import { type Counts, type Ledger, units } from "./ledger.js";
import { Spender, type SpenderFigures, type Tree } from "./spender.js";
import { overGrpc, overRest } from "./ways.js";
import { World } from "./world.js";

export type Figures = SpenderFigures &
  Record<
    | "rounds"
    | "clients"
    | "kills_of_the_server"
    | "cuts"
    | "states"
    | "raises"
    | "entries"
    | "sessions"
    | "limits_reached"
    | "overruns"
    | "lapsed"
    | "budgets_exceeded",
    number
  >;

const settle_timeout_seconds = 3;
const steps = 6;

type Bounds = Record<keyof Counts, number | null>;

/**
 * @param seed of what is asked for; when what comes is up to the machine
 * @throws {Error} which says what passed which limit
 */
export async function carryOut(
  seed: number,
  rounds: number,
  clients: number,
  onRound: (round: number) => void = () => {},
): Promise<Figures> {
  const figures: Figures = {
    rounds,
    clients,
    answers: 0,
    unanswered: 0,
    repeats: 0,
    settles: 0,
    cancels: 0,
    forgotten: 0,
    blocked_by_reserved: 0,
    kills_of_the_server: 0,
    cuts: 0,
    states: 0,
    raises: 0,
    entries: 0,
    sessions: 0,
    limits_reached: 0,
    overruns: 0,
    lapsed: 0,
    budgets_exceeded: 0,
  };
  const world = await World.open(["--settle-timeout-seconds", String(settle_timeout_seconds)]);
  const watch = new BudgetWatch({ port: world.proxy.port, key: world.admin_key });
  const sessions: string[] = [];
  let shown: readonly Shown[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      sessions.push(...(await play(world, figures, numbersOf(seed + 7919 * round), round, clients)));
      watch.refuse();
      onRound(round);
    }
    shown = await lapsed(world, sessions);
  } finally {
    await watch.leave();
    await world.close();
  }
  watch.refuse();
  figures.states = watch.states;
  const ledger = await ledgerOf(world.data);
  figures.entries = ledger.size;
  figures.sessions = ledger.purses.size;
  figures.limits_reached = [...ledger.purses.values()].reduce((sum, { reached }) => sum + reached.size, 0);
  figures.overruns = ledger.overruns;
  figures.lapsed = ledger.outcomes.get("lapsed") ?? 0;
  figures.budgets_exceeded = ledger.entries.get("budget_exceeded") ?? 0;
  agree(shown, ledger);
  return figures;
}

async function play(
  world: World,
  figures: Figures,
  random: () => number,
  round: number,
  clients: number,
): Promise<readonly string[]> {
  const bounds = new Map<string, Bounds>();
  const pauses = round % 2 === 1;
  const root = await start(world, bounds, null, {
    ...limitsOf(random, clients),
    on_exceeded: pauses ? "pause" : "terminate",
  });
  for (let i = 0; i < 2; i++) {
    const middle = await start(world, bounds, root, limitsOf(random, clients / 2));
    for (let k = 0; k < 2; k++) {
      await start(world, bounds, middle, limitsOf(random, clients / 3));
    }
  }
  const tree: Tree = { live: new Set(bounds.keys()), bounds, figures };
  const door = { port: world.proxy.port, key: world.admin_key };
  const spenders = Array.from({ length: clients }, (_, i) => {
    const way = i % 2 === 0 ? overGrpc(door) : overRest(door);
    return new Spender(`${round}-${i}`, way, tree, numbersOf(Math.floor(random() * 2 ** 32))).spend(steps);
  });
  let over = false;
  const spent = Promise.all(spenders).finally(() => {
    over = true;
  });
  const weather = badWeather(world, figures, random, clients, () => over);
  const operator = pauses ? raise(world, bounds, root, figures, () => over) : null;
  await spent;
  await Promise.all([weather, operator]);
  return [...bounds.keys()];
}

/** Limits that so many clients reach. */
function limitsOf(random: () => number, clients: number) {
  const some = () => clients * (0.5 + random());
  return {
    max_actions: Math.floor(6 * some()),
    max_tokens: Math.floor(40 * some()),
    max_cost_usd: printUsd(Math.floor(50_000 * some())),
    warn_at_percent: [50, 90],
  };
}

async function start(
  world: World,
  bounds: Map<string, Bounds>,
  parent_session_id: string | null,
  budgets: ReturnType<typeof limitsOf> & { readonly on_exceeded?: string },
): Promise<string> {
  const { body } = await world.call(
    "/v1/enforce/sessions/start",
    { parent_session_id, budgets },
    undefined,
    `${bounds.size}-${Math.random()}`,
  );
  const session_id = String(body.session_id);
  const { max_actions, max_tokens, max_cost_usd } = budgets;
  bounds.set(session_id, {
    actions: max_actions,
    tokens: max_tokens,
    cost_usd_micros: parseUsd(max_cost_usd),
  });
  return session_id;
}

/** Cuts some connections, and kills the server once. */
async function badWeather(
  world: World,
  figures: Figures,
  random: () => number,
  clients: number,
  isOver: () => boolean,
): Promise<void> {
  // In the middle of the work, however fast that goes.
  const kill_at = figures.answers + clients * steps * (0.1 + 0.4 * random());
  let killed = false;
  for (let cut_ms = performance.now() + 500; !isOver(); ) {
    await pause(10);
    if (!killed && figures.answers >= kill_at) {
      killed = true;
      figures.kills_of_the_server += 1;
      await world.restart("SIGKILL");
    } else if (performance.now() >= cut_ms) {
      cut_ms = performance.now() + 200 + 800 * random();
      const tenth = Math.floor(10 * random());
      const how = random() < 0.5 ? "reset" : "tear";
      figures.cuts += world.proxy.cut((number) => number % 10 === tenth, how, 20);
    }
  }
  await world.up();
}

/** An operator who gives a tree more whenever it is held, and after some times no more. */
async function raise(
  world: World,
  bounds: Map<string, Bounds>,
  root: string,
  figures: Figures,
  isOver: () => boolean,
): Promise<void> {
  for (let raises = 0; !isOver(); ) {
    const { body } = await world.call(`/v1/enforce/sessions/${root}/heartbeat`, {});
    if (body.status !== "paused") {
      await pause(20);
      continue;
    }
    if (raises === 3) {
      await world.call(`/v1/enforce/sessions/${root}/kill`, {});
      return;
    }
    raises += 1;
    figures.raises += 1;
    const { actions, tokens, cost_usd_micros } = bounds.get(root) as Record<keyof Counts, number>;
    const more = { actions: actions * 2, tokens: tokens * 2, cost_usd_micros: cost_usd_micros * 2 };
    bounds.set(root, more);
    const budgets = {
      max_actions: more.actions,
      max_tokens: more.tokens,
      max_cost_usd: printUsd(more.cost_usd_micros),
    };
    await world.call(`/v1/enforce/sessions/${root}/budgets`, { budgets, reason: "go on" });
  }
}

/** The sessions as they are when what nobody settles has lapsed: nothing stays held. */
async function lapsed(world: World, session_ids: readonly string[]): Promise<readonly Shown[]> {
  const deadline_ms = performance.now() + 60_000;
  for (;;) {
    const answers = await Promise.all(
      session_ids.map((id) => world.call(`/v1/enforce/sessions/${id}/heartbeat`, {})),
    );
    const shown = answers.map(({ body }) => body as unknown as Shown);
    const holding = shown.filter(({ reserved }) => reserved !== undefined);
    if (holding.length === 0) {
      return shown;
    }
    if (performance.now() > deadline_ms) {
      throw new Error(`still held when all was over: ${JSON.stringify(holding)}`);
    }
    await pause(50);
  }
}

interface Shown {
  readonly session_id: string;
  readonly consumed: Counts;
  readonly reserved?: unknown;
}

/** The server's own account, in the end, against the one of its log. */
function agree(shown: readonly Shown[], ledger: Ledger): void {
  for (const { session_id, consumed } of shown) {
    const spent = ledger.purses.get(session_id)?.spent;
    const differs = units.find((unit) => consumed[unit] !== spent?.[unit]);
    if (differs !== undefined) {
      throw new Error(`${session_id} shows ${consumed[differs]} ${differs}, sealed are ${spent?.[differs]}`);
    }
  }
}
