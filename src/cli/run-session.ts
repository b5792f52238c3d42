/** Joins a supervision with a session: what the server says of the one is done to the other. */

import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type Client,
  KillcordError,
  ServerUnreachable,
  type Session,
  SessionTerminated,
  type StartOptions,
} from "../../sdk/typescript/src/node.js";
import { bounds } from "../supervisor/bounds.js";
import type { Command } from "../supervisor/command.js";
import type { Member } from "../supervisor/family.js";
import { nameOf } from "../supervisor/processes.js";
import type { Finish, Supervision } from "../supervisor/supervise.js";
import { CommandFailure } from "./failure.js";
import { note, plain } from "./output.js";
import { status_stopped, statusOfRun } from "./run-status.js";

export interface UnderSession {
  readonly client: Client;
  readonly supervision: Supervision;
  readonly command: Command;
  readonly start: StartOptions;
  /** Whether the command starts even when no server answers. */
  readonly fail_open: boolean;
  /** Takes what is to be done when this process goes on after it was held. */
  readonly wakeBy: (check: () => void) => void;
}

/**
 * Opens the session, runs the command under it, and says how it ended.
 *
 * @returns the exit status
 * @throws CommandFailure when no session can be opened: the command has not started then
 */
export async function runUnder(run: UnderSession): Promise<number> {
  const { supervision, command } = run;
  const opened = await open(run);
  if (opened === "interrupted") return supervision.interrupted.reason;
  if (opened === null) return await runWithout(run);
  const attached = attach(run, opened);
  const finish = await supervision.start({
    ...command,
    env: { ...command.env, KILLCORD_SESSION_ID: opened.id },
  });
  return await close(run, attached, finish);
}

/** A session whose stops, pauses and resumptions reach the processes. */
interface Attached {
  readonly session: Session;
  /** How it came to its end; null while it goes on. */
  ended(): SessionTerminated | null;
  /** From here on its end is ours to say. */
  detach(): void;
}

/** Null where no server answers and the command is to start all the same. */
async function open({ client, start, fail_open, supervision }: UnderSession) {
  const opening = client.startSession(start);
  const interruption = once(supervision.interrupted, "abort").then(() => "interrupted" as const);
  try {
    const first = await Promise.race([opening, interruption]);
    if (first !== "interrupted") return first;
  } catch (error) {
    if (fail_open && error instanceof ServerUnreachable) return null;
    throw error instanceof KillcordError ? startFailure(error) : error;
  }
  // It may be open on the other side: given back if that is known soon, else its lease ends it.
  const given_back = opening.then((session) => session.close()).catch(() => {});
  await Promise.race([given_back, sleep(bounds.interrupted_ms)]);
  return "interrupted" as const;
}

/** The command without a session; one is opened when a server answers, and holds from then on. */
async function runWithout(run: UnderSession): Promise<number> {
  const { supervision, command } = run;
  note("no server answers: starting the program all the same, as --fail-open asks; nothing can stop it yet");
  const over = new AbortController();
  let attached: Attached | null = null;
  let refused = false;
  const late = openLate(run, over.signal).then((session) => {
    if (session === "refused") {
      refused = true;
      void supervision.stop();
    } else if (session !== null) {
      attached = attach(run, session);
    }
  });
  const finish = await supervision.start(command);
  over.abort();
  await Promise.race([late, sleep(bounds.interrupted_ms)]);
  if (attached !== null) return await close(run, attached, finish);
  if ("left" in finish && finish.left.length > 0) tellLeft(finish.left);
  return refused && finish.kind === "stopped" ? status_stopped : statusOfRun(finish, null);
}

/** Tries until a server answers; `refused` when it says no, null when the run is over first. */
async function openLate({ client, start }: UnderSession, over: AbortSignal) {
  while (!over.aborted) {
    try {
      return await client.startSession(start);
    } catch (error) {
      if (!(error instanceof ServerUnreachable)) {
        note(plain(`the server lets this run not go on: ${messageOf(error)}`));
        return "refused" as const;
      }
    }
    await sleep(bounds.fail_open_retry_ms, undefined, { signal: over }).catch(() => {});
  }
  return null;
}

function attach({ supervision, start, wakeBy }: UnderSession, session: Session): Attached {
  const { signal } = session;
  const stop = () => {
    note(plain(messageOf(signal.reason)));
    void supervision.stop();
  };
  note(`session ${session.id}; to stop it: killcord sessions kill ${session.id}`);
  signal.addEventListener("abort", stop, { once: true });
  session.on("pause", ({ reasoning }) => {
    note(plain(`held: ${reasoning}`));
    supervision.hold();
  });
  session.on("resume", () => {
    note("going on");
    supervision.release();
  });
  wakeBy(() => {
    try {
      session.guard();
    } catch {
      // What it finds comes by the signal and the events.
    }
  });
  if (session.status === "paused") supervision.hold();
  if (signal.aborted) stop();
  if (start.onLeaseLost === "kill" && start.leaseSeconds)
    keepGuardQuiet(supervision, start.leaseSeconds * 1000);
  return {
    session,
    ended: () => (signal.reason instanceof SessionTerminated ? signal.reason : null),
    detach: () => signal.removeEventListener("abort", stop),
  };
}

/** Whoever is held for longer than the lease cannot end the run when it is over: the guard does. */
function keepGuardQuiet(supervision: Supervision, lease_ms: number): void {
  supervision.tellAlive(lease_ms);
  setInterval(() => supervision.tellAlive(lease_ms), lease_ms / 3).unref();
}

/** Ends the session, or says that its stop is done; while anything of the run is left, neither. */
async function close(run: UnderSession, attached: Attached, finish: Finish): Promise<number> {
  attached.detach();
  const how = attached.ended();
  if (finish.kind === "refused") note(plain(finish.why));
  if ("left" in finish && finish.left.length > 0) {
    tellLeft(finish.left);
    return statusOfRun(finish, how);
  }
  if (finish.kind === "stopped") note(gone[run.supervision.sight]);
  await attached.session.close({ evidence: "group_empty" });
  await run.client.close();
  return statusOfRun(finish, how);
}

const gone: Readonly<Record<Supervision["sight"], string>> = {
  cgroup: "every process of the run has ended",
  proc: "every process of the run has ended",
  group: "no process of the program's group is left",
};

function tellLeft(left: readonly Member[]): void {
  const names = left.map(({ pid, state }) =>
    state === "D" ? `${nameOf("/proc", pid)}, which waits for a device` : nameOf("/proc", pid),
  );
  note(plain(`these processes could not be ended, so the run is not called stopped: ${names.join("; ")}`));
}

const no_key =
  "there is no API key: set KILLCORD_API_KEY, or name a file that holds a key with --api-key-file";

/** A start that failed, as this program tells it: nothing has been started. */
export function startFailure(error: KillcordError): CommandFailure {
  const status = error.code === "invalid_argument" ? 2 : 3;
  // The client's own words name an option of its own.
  const message = error.code === "missing_api_key" ? no_key : error.message;
  return new CommandFailure(error.code, status, `the program was not started: ${message}`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
