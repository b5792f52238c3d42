/** The demo's plot: three agents at work, and the three ways in which they are stopped. */
import { setTimeout as sleep } from "node:timers/promises";
import { ConnectError } from "@connectrpc/connect";
import { connect } from "./client.js";
import { type Actor, differs, enter, type Stage } from "./demo-actor.js";
import { type Allowance, monotonicMs, type Stopped } from "./demo-words.js";
import { fromCall } from "./failure.js";

/** One agent's stop, as the agent saw it. */
export interface Stop {
  readonly agent_id: string;
  readonly session_id: string;
  /** In words: what stopped it. */
  readonly stopped_by: string;
  readonly stop_reason: string;
  readonly kill_reason: string;
  readonly actions: number;
  /**
   * For the budget the round trip of the action that was answered `terminate`; for kill and revoke
   * the time from the call being sent until the agent's stream told the stop.
   */
  readonly latency_ms: number;
  /** The same until an action was answered `terminate`, if that was first or at the same time. */
  readonly verdict_ms: number | null;
  /** The verdict on one more action after the stop. */
  readonly asked_again: string;
}

/** A session that was held by its budget, and went on when an operator raised that. */
export interface Held {
  readonly agent_id: string;
  readonly session_id: string;
  /** Actions that it was allowed until then. */
  readonly actions: number;
  readonly reason: string;
  readonly raised_from: number;
  readonly raised_to: number;
  /** From the raise being sent until the agent's stream told that it goes on. */
  readonly latency_ms: number;
}

/** What was played. */
export interface Played {
  readonly stops: readonly Stop[];
  readonly held: Held;
}

/** Actions that the budgets of the first two have room for. */
export const budget_actions = 100;
const raised_tokens = 1_000_000;

/** The agents of the demo, and what each may spend: the last goes on for ever. */
export const cast: readonly { readonly agent_id: string; readonly allowance: Allowance | null }[] = [
  {
    agent_id: "spending-agent",
    allowance: { unit: "cost", limit: 1_000_000, each: 10_000, on_exceeded: "terminate" },
  },
  {
    agent_id: "held-agent",
    allowance: { unit: "tokens", limit: 1_000, each: 10, on_exceeded: "pause" },
  },
  { agent_id: "leaked-agent", allowance: null },
];

/** Plays it. Throws at the first thing that goes wrong. */
export async function play(stage: Stage): Promise<Played> {
  const [spending, held, leaked] = await Promise.all(
    stage.standings.map((standing, place) => enter(stage, standing, stage.agents[place])),
  );
  if (spending === undefined || held === undefined || leaked === undefined)
    throw new Error("the cast is three");
  await Promise.all([spending, held, leaked].map((actor) => actor.session_id));
  const raise = await raiseHeld(stage, held);
  await atWork(stage, held, 1000);
  stage.view.event(`the operator kills ${held.standing.agent_id} now`);
  const kill_ms = monotonicMs();
  const heldSession = await held.session_id;
  await stage.server.sessions.killSession(
    { sessionId: heldSession, reason: "stopped by hand in the demo" },
    { signal: stage.signal },
  );
  const killStop = streamStop(held, heldSession, await held.stopped, kill_ms, "a kill by hand");
  const leakStop = await revokeLeaked(stage, leaked);
  const budgetStop = budgetStopOf(spending, await spending.session_id, await spending.stopped);
  return { stops: [budgetStop, killStop, leakStop], held: raise };
}

/** Waits until the agent is held by its budget, and raises that. */
async function raiseHeld(stage: Stage, actor: Actor): Promise<Held> {
  const { agent_id, allowance } = actor.standing;
  const session_id = await actor.session_id;
  const { actions, reason } = await actor.held;
  if (allowance === null) throw new Error(`${agent_id} has no budget`);
  // As long as it takes to see that it is held.
  await sleep(700, undefined, { signal: stage.signal });
  stage.view.event(`the operator raises the budget of ${agent_id} now`);
  const raise_ms = monotonicMs();
  await stage.server.sessions.updateBudgets(
    { sessionId: session_id, budgets: { maxTokens: BigInt(raised_tokens) }, reason: "raised in the demo" },
    { signal: stage.signal },
  );
  actor.standing.allowance = { ...allowance, limit: raised_tokens };
  const { at_ms } = await actor.resumed;
  return {
    agent_id,
    session_id,
    actions,
    reason,
    raised_from: allowance.limit,
    raised_to: raised_tokens,
    latency_ms: at_ms - raise_ms,
  };
}

async function revokeLeaked(stage: Stage, leaked: Actor): Promise<Stop> {
  await atWork(stage, leaked, 500);
  stage.view.event(`the operator revokes the credential of ${leaked.standing.agent_id} now`);
  const revoke_ms = monotonicMs();
  const revoked = await stage.server.credentials.revokeCredential(
    { credentialId: leaked.credential_id, reason: "leaked in the demo" },
    { signal: stage.signal },
  );
  const session_id = await leaked.session_id;
  const stop = streamStop(leaked, session_id, await leaked.stopped, revoke_ms, "its credential revoked");
  if (revoked.killedSessions.join() !== session_id) {
    throw differs(`the revocation named ${revoked.killedSessions.join() || "no session"}, not ${session_id}`);
  }
  await refusedNow(stage, leaked);
  return stop;
}

/** Throws if a stop or the hold is not what Killcord promises: stops in the order of `cast`. */
export function check({ stops, held }: Played): void {
  if (held.actions !== budget_actions) {
    throw differs(`${held.agent_id} was held after ${held.actions} actions, not ${budget_actions}`);
  }
  if (held.latency_ms < 0) {
    throw differs(`${held.agent_id} went on ${-held.latency_ms} ms before the raise: the clocks differ`);
  }
  const reasons = ["budget_exceeded", "manual", "credential_revoked"];
  stops.forEach((stop, place) => {
    const { agent_id, stop_reason, asked_again, actions, latency_ms } = stop;
    if (stop_reason !== reasons[place]) throw differs(`${agent_id}: ${stop_reason}, not ${reasons[place]}`);
    if (asked_again !== "terminate")
      throw differs(`${agent_id} asked once more: ${asked_again}, not terminate`);
    if (latency_ms < 0)
      throw differs(`${agent_id} was told ${-latency_ms} ms before the call: the clocks differ`);
    if (place === 0 && actions !== budget_actions) {
      throw differs(`${agent_id} was allowed ${actions} actions, not ${budget_actions}`);
    }
  });
}

/** Waits until the agent has worked for a while, so that it is stopped in the middle of it. */
async function atWork(stage: Stage, actor: Actor, for_ms: number): Promise<void> {
  const before = actor.standing.actions;
  await sleep(for_ms, undefined, { signal: stage.signal });
  while (actor.standing.actions === before) {
    await Promise.race([sleep(20, undefined, { signal: stage.signal }), actor.stopped]);
    if (actor.standing.state === "stopped") throw differs(`${actor.standing.agent_id} stopped by itself`);
  }
}

function streamStop(actor: Actor, session_id: string, stopped: Stopped, since_ms: number, by: string): Stop {
  return {
    agent_id: actor.standing.agent_id,
    session_id,
    stopped_by: by,
    stop_reason: stopped.stop_reason,
    kill_reason: stopped.kill_reason,
    actions: stopped.actions,
    latency_ms: stopped.stream_at_ms - since_ms,
    verdict_ms: stopped.verdict_at_ms === null ? null : stopped.verdict_at_ms - since_ms,
    asked_again: stopped.asked_again,
  };
}

function budgetStopOf(actor: Actor, session_id: string, stopped: Stopped): Stop {
  if (stopped.verdict_round_trip_ms === null)
    throw differs(`${actor.standing.agent_id} was not answered terminate`);
  return {
    agent_id: actor.standing.agent_id,
    session_id,
    stopped_by: "its budget of $1.00",
    stop_reason: stopped.stop_reason,
    kill_reason: stopped.kill_reason,
    actions: stopped.actions,
    latency_ms: stopped.verdict_round_trip_ms,
    verdict_ms: stopped.verdict_round_trip_ms,
    asked_again: stopped.asked_again,
  };
}

/** The revoked credential opens nothing any more. */
async function refusedNow(stage: Stage, actor: Actor): Promise<void> {
  const thief = connect(stage.server.url, actor.secret);
  try {
    await thief.sessions.startSession({ agentId: actor.standing.agent_id }, { signal: stage.signal });
  } catch (error) {
    const { code } = fromCall(ConnectError.from(error), stage.server.url);
    if (code === "expired_api_key") return;
    throw differs(`the revoked credential was refused with ${code}, not expired_api_key`);
  } finally {
    thief.release();
  }
  throw differs("the revoked credential opened another session");
}
