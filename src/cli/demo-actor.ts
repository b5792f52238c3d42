/** The agents of the demo as its plot sees them: each in a process of its own, that tells how it fares. */
import type { ChildProcess } from "node:child_process";
import type { Server } from "./client.js";
import { instruct } from "./demo-processes.js";
import type { Standing, View } from "./demo-view.js";
import type { Report, Stopped } from "./demo-words.js";
import { CommandFailure } from "./failure.js";

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

/** An agent in its process. */
export interface Actor {
  readonly standing: Standing;
  readonly credential_id: string;
  readonly secret: string;
  readonly session_id: Promise<string>;
  readonly held: Promise<{ readonly actions: number; readonly reason: string }>;
  readonly resumed: Promise<{ readonly at_ms: number }>;
  readonly stopped: Promise<Stopped>;
}

/** A thing that went otherwise than Killcord promises. */
export function differs(what: string): CommandFailure {
  return new CommandFailure("internal", 1, `the demo did not go as it should: ${what}`);
}

/** Registers an agent and lets it begin, on its own credential. */
export async function enter(
  stage: Stage,
  standing: Standing,
  agent: ChildProcess | undefined,
): Promise<Actor> {
  if (agent === undefined) throw new Error("an agent without a process");
  const { credential } = await stage.server.credentials.registerAgent(
    { name: standing.agent_id, description: "hashes files in the demo" },
    { signal: stage.signal },
  );
  if (credential?.secret === undefined) throw differs(`${standing.agent_id} was given no secret`);
  const secret = credential.secret;
  const session = deferred<string>();
  const held = deferred<{ actions: number; reason: string }>();
  const resumed = deferred<{ at_ms: number }>();
  const stopped = deferred<Stopped>();
  const all = [session, held, resumed, stopped];
  const fail = (reason: unknown) => {
    for (const each of all) each.reject(reason);
  };
  // Whoever awaits them sees it; until then it must not count as unhandled.
  for (const { promise } of all) (promise as Promise<unknown>).catch(() => undefined);
  stage.signal.addEventListener("abort", () => fail(stage.signal.reason), { once: true });
  const task = {
    url: stage.server.url,
    api_key: secret,
    agent_id: standing.agent_id,
    folder: stage.folder,
    allowance: standing.allowance,
  };
  instruct(agent, task, (report) => hear(report, { stage, standing, session, held, resumed, stopped, fail }));
  return {
    standing,
    credential_id: credential.credentialId,
    secret,
    session_id: session.promise,
    held: held.promise,
    resumed: resumed.promise,
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
  readonly held: Deferred<{ actions: number; reason: string }>;
  readonly resumed: Deferred<{ at_ms: number }>;
  readonly stopped: Deferred<Stopped>;
  readonly fail: (reason: unknown) => void;
}

function hear(report: Report, { stage, standing, session, held, resumed, stopped, fail }: Hearing): void {
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
    case "held":
      standing.state = "held";
      standing.actions = report.actions;
      stage.view.event(`${standing.agent_id} is held: ${report.reason}`);
      held.resolve(report);
      return;
    case "resumed":
      standing.state = "running";
      stage.view.event(`${standing.agent_id} goes on`);
      resumed.resolve(report);
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
