/** The Killcord session of a coding agent's session: opened at its first call, found again at later ones. */
import { createHash } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { makeDirectories } from "../vault/files.js";
import type { Server } from "./client.js";

export interface SessionOptions {
  readonly agent?: string;
  readonly label?: string;
  readonly maxActions?: bigint;
  readonly ttl?: bigint;
  readonly idleTimeout?: bigint;
}

/** Calls until an answer comes or the time is over: each try has what is left of it. */
export type Persist = <T>(call: (options: { readonly timeoutMs: number }) => Promise<T>) => Promise<T>;

/**
 * The id of the session, opened if there is none. Two hooks that run at once open the same one: the
 * key of the call is made from the coding agent's session. The server keeps such keys for a day, the
 * file here for as long as it is left.
 */
export async function sessionFor(
  coding_session: string,
  server: Server,
  options: SessionOptions,
  persist: Persist,
): Promise<string> {
  const mark = markOf(coding_session, server.url);
  const { session_id, time } = readKept(mark);
  if (session_id !== null) return session_id;
  const { agent, label, maxActions, ttl, idleTimeout } = options;
  const parent = process.env.KILLCORD_SESSION_ID;
  const { session } = await persist((call) =>
    server.sessions.startSession(
      {
        idempotencyKey: `hook-${mark}-${time}`,
        budgets: {
          ...(maxActions === undefined ? {} : { maxActions }),
          ...(ttl === undefined ? {} : { ttlSeconds: ttl }),
          ...(idleTimeout === undefined ? {} : { idleTimeoutSeconds: idleTimeout }),
        },
        ...(agent === undefined ? {} : { agentId: agent }),
        ...(label === undefined ? {} : { label }),
        ...(parent ? { parentSessionId: parent } : {}),
      },
      call,
    ),
  );
  const id = session?.sessionId ?? "";
  await keep(mark, { session_id: id, time });
  return id;
}

/** The session that was opened before; null when there is none. */
export function knownSession(coding_session: string, url: string): string | null {
  return readKept(markOf(coding_session, url)).session_id;
}

/** It has ended in good order: the agent may take its session up again, and gets another of ours then. */
export async function closeSession(coding_session: string, url: string): Promise<void> {
  const mark = markOf(coding_session, url);
  await keep(mark, { session_id: null, time: readKept(mark).time + 1 });
}

/** What is kept of a coding agent's session: ours, and how often one has been opened for it. */
interface Kept {
  readonly session_id: string | null;
  readonly time: number;
}

/** A digest: a coding agent's id must not become part of a path. Under another parent it is another run. */
function markOf(coding_session: string, url: string): string {
  const parent = process.env.KILLCORD_SESSION_ID ?? "";
  return createHash("sha256")
    .update(JSON.stringify([url, parent, coding_session]))
    .digest("hex");
}

function fileOf(mark: string): string {
  const state = process.env.XDG_STATE_HOME || join(homedir(), ".local/state");
  return join(state, "killcord/hooks", mark);
}

function readKept(mark: string): Kept {
  let text = "";
  try {
    text = readFileSync(fileOf(mark), "utf8");
  } catch {
    // None was opened yet.
  }
  const [, session_id = "", time = "1"] = /^(sess_[0-9a-f]{24}|-) (\d{1,9})\n$/.exec(text) ?? [];
  return { session_id: session_id.startsWith("sess_") ? session_id : null, time: Number(time) };
}

async function keep(mark: string, { session_id, time }: Kept): Promise<void> {
  const file = fileOf(mark);
  try {
    await makeDirectories(dirname(file));
    const fresh = `${file}.${process.pid}`;
    writeFileSync(fresh, `${session_id ?? "-"} ${time}\n`, { mode: 0o600 });
    renameSync(fresh, file);
  } catch {
    // Without a file the server still knows the key of the call, for a day.
  }
}
