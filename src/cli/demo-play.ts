/** The demo's plot: three agents at work, and the three ways in which they are stopped. */
import type { ChildProcess } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { ConnectError } from "@connectrpc/connect";
import type { Server } from "./client.js";
import { connect } from "./client.js";
import { instruct } from "./demo-processes.js";
import type { Standing, View } from "./demo-view.js";
import { monotonicMs, type Report, type Stopped } from "./demo-words.js";
import { CommandFailure, fromCall } from "./failure.js";

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

/** What the plot needs. */
export interface Stage {
  /** With the admin key. */
  readonly server: Server;
  /** The tree whose files the agents hash. */
  readonly folder: string;
  /** The agents' processes, waiting for their tasks, and what is known of each. */
  readonly agents: readonly ChildProcess[];
  readonly standings: readonly Standing[];
  readonly view: View;
  readonly signal: AbortSignal;
}

/** The agents of the demo: the first has a budget, the others go on for ever. */
export const budget_actions = 100;
export const cast = ["budget-agent", "killed-agent", "leaked-agent"] as const;

/** An agent in its process. */
interface Actor {
  readonly standing: Standing;
  readonly credential_id: string;
  readonly secret: string;
  readonly session_id: Promise<string>;
  readonly stopped: Promise<Stopped>;
}

/** Plays it, and gives the three stops. Throws at the first thing that goes wrong. */
export async function play(stage: Stage): Promise<Stop[]> {
  const [budgeted, killed, leaked] = await Promise.all(
    stage.standings.map((standing, place) => enter(stage, standing, stage.agents[place])),
  );
  if (budgeted === undefined || killed === undefined || leaked === undefined)
    throw new Error("the cast is three");
  await Promise.all([budgeted, killed, leaked].map((actor) => actor.session_id));

  await atWork(stage, killed, 1000);
  stage.view.event(`the operator kills ${killed.standing.agent_id} now`);
  const kill_ms = monotonicMs();
  await stage.server.sessions.killSession(
    { sessionId: await killed.session_id, reason: "stopped by hand in the demo" },
    { signal: stage.signal },
  );
  const killStop = streamStop(
    killed,
    await killed.session_id,
    await killed.stopped,
    kill_ms,
    "a kill by hand",
  );

  await atWork(stage, leaked, 500);
  stage.view.event(`the operator revokes the credential of ${leaked.standing.agent_id} now`);
  const revoke_ms = monotonicMs();
  const revoked = await stage.server.credentials.revokeCredential(
    { credentialId: leaked.credential_id, reason: "leaked in the demo" },
    { signal: stage.signal },
  );
  const leakedSession = await leaked.session_id;
  const leakStop = streamStop(
    leaked,
    leakedSession,
    await leaked.stopped,
    revoke_ms,
    "its credential revoked",
  );
  if (revoked.killedSessions.join() !== leakedSession) {
    throw differs(
      `the revocation named ${revoked.killedSessions.join() || "no session"}, not ${leakedSession}`,
    );
  }
  await refusedNow(stage, leaked);

  const budgetStop = budgetStopOf(budgeted, await budgeted.session_id, await budgeted.stopped);
  return [budgetStop, killStop, leakStop];
}

/** Throws if a stop is not what Killcord promises: in the order of `cast`. */
export function checkStops(stops: readonly Stop[]): void {
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

/** A thing that went otherwise than Killcord promises. */
export function differs(what: string): CommandFailure {
  return new CommandFailure("internal", 1, `the demo did not go as it should: ${what}`);
}

/** Registers an agent and lets it begin, on its own credential. */
async function enter(stage: Stage, standing: Standing, agent: ChildProcess | undefined): Promise<Actor> {
  if (agent === undefined) throw new Error("an agent without a process");
  const { credential } = await stage.server.credentials.registerAgent(
    { name: standing.agent_id, description: "hashes files in the demo" },
    { signal: stage.signal },
  );
  if (credential?.secret === undefined) throw differs(`${standing.agent_id} was given no secret`);
  const secret = credential.secret;
  const session = deferred<string>();
  const stopped = deferred<Stopped>();
  const fail = (reason: unknown) => {
    session.reject(reason);
    stopped.reject(reason);
  };
  // Whoever awaits them sees it; until then it must not count as unhandled.
  session.promise.catch(() => undefined);
  stopped.promise.catch(() => undefined);
  stage.signal.addEventListener("abort", () => fail(stage.signal.reason), { once: true });
  const task = {
    url: stage.server.url,
    api_key: secret,
    agent_id: standing.agent_id,
    folder: stage.folder,
    max_actions: standing.max_actions,
  };
  instruct(agent, task, (report) => hear(report, { stage, standing, session, stopped, fail }));
  return {
    standing,
    credential_id: credential.credentialId,
    secret,
    session_id: session.promise,
    stopped: stopped.promise,
  };
}

/** A promise with its two ends; Node 20 has no Promise.withResolvers. */
interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
}

function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => undefined;
  let reject: (reason: unknown) => void = () => undefined;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

interface Hearing {
  readonly stage: Stage;
  readonly standing: Standing;
  readonly session: Deferred<string>;
  readonly stopped: Deferred<Stopped>;
  readonly fail: (reason: unknown) => void;
}

function hear(report: Report, { stage, standing, session, stopped, fail }: Hearing): void {
  switch (report.kind) {
    case "started":
      standing.state = "running";
      stage.view.event(`${standing.agent_id} runs as ${report.session_id}`);
      session.resolve(report.session_id);
      return;
    case "progress":
      standing.actions = report.actions;
      standing.bytes = report.bytes;
      return;
    case "stopped":
      standing.state = "stopped";
      standing.actions = report.actions;
      standing.bytes = report.bytes;
      stage.view.event(`${standing.agent_id} is stopped: ${report.kill_reason}`);
      stopped.resolve(report);
      return;
    case "failed":
      fail(differs(`${standing.agent_id} failed: ${report.message}`));
      return;
  }
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
    stopped_by: `its budget of ${budget_actions}`,
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
