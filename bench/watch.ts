/**
 * What watches cost, from a server in a process of its own: memory of an idle watch and of a session on
 * a shared watch, and the time from a kill to the message that tells it.
 *
 * Run by `npm run bench:watch [-- CONNECTIONS [WATCHES_OF_ONE]]`; prints a line for each figure. Memory
 * is the server's resident memory, read where Linux tells it.
 */
import { readFileSync } from "node:fs";
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { type Served, serve } from "../test/server/served.js";

const [connections = 100, watches_of_one = 100] = process.argv.slice(2).map(Number);
const watches = connections * watches_of_one;
const kills = Math.min(200, Math.floor(watches / 2));

const server = await serve({ flags: ["--log-level", "silent"] });
const sessions: ClientHttp2Session[] = [];
try {
  const caller = open();
  const idle = await started(caller, watches, "idle");
  const before = await residentKib(server);
  const own = await Promise.all(
    Array.from({ length: connections }, open).flatMap((connection, i) =>
      idle
        .slice(i * watches_of_one, (i + 1) * watches_of_one)
        .map((session_id) => watched(connection, "WatchSession", { session_id })),
    ),
  );
  const open_kib = await residentKib(server);
  show("memory of an idle watch of its own stream", (open_kib - before) / watches, "KiB");

  const [told, answered] = await oneByOne(caller, idle.slice(0, kills), own);
  show(`kill to its watcher, ${watches} watches open, p50`, at(told, 0.5), "ms");
  show("the same, p99", at(told, 0.99), "ms");
  show("kill to its caller, p50", at(answered, 0.5), "ms");

  const all = own.slice(kills).map(({ ended }) => ended);
  const began = performance.now();
  await call(caller, "CredentialService/RevokeAgent", { agent_id: "idle" });
  show(`stop of ${all.length} sessions to its caller`, performance.now() - began, "ms");
  await Promise.all(all);
  show("the same to the last watcher", performance.now() - began, "ms");

  await shared(caller);
  await crowd(caller);
} finally {
  for (const session of sessions) {
    session.destroy();
  }
  await server.end();
}

/** Kills one session after the other; times to each watcher, and to each caller. */
async function oneByOne(
  caller: ClientHttp2Session,
  session_ids: readonly string[],
  readers: readonly Watched[],
): Promise<readonly [number[], number[]]> {
  const told: number[] = [];
  const answered: number[] = [];
  for (const [i, session_id] of session_ids.entries()) {
    const began = performance.now();
    const ended = readers[i]?.ended.then(() => told.push(performance.now() - began));
    await call(caller, "SessionService/KillSession", { session_id });
    answered.push(performance.now() - began);
    await ended;
  }
  return [told, answered];
}

/** Many sessions on one stream. */
async function shared(caller: ClientHttp2Session): Promise<void> {
  const session_ids = await started(caller, watches, "shared");
  const before = await residentKib(server);
  const watch = await watched(open(), "WatchSessions", { session_ids });
  const after = await residentKib(server);
  show("memory of a session on a shared stream", (after - before) / watches, "KiB");
  const began = performance.now();
  await call(caller, "CredentialService/RevokeAgent", { agent_id: "shared" });
  await watch.ended;
  show(`stop of ${watches} sessions, the last told on a shared stream`, performance.now() - began, "ms");
}

/** Many watches of one session. */
async function crowd(caller: ClientHttp2Session): Promise<void> {
  const [session_id = ""] = await started(caller, 1, "crowd");
  const connection = open();
  const readers = await Promise.all(
    Array.from({ length: 1000 }, () => watched(connection, "WatchSession", { session_id })),
  );
  const began = performance.now();
  await call(caller, "SessionService/KillSession", { session_id });
  await Promise.all(readers.map(({ ended }) => ended));
  show("kill to the last of 1000 watches on one connection", performance.now() - began, "ms");
}

function open(): ClientHttp2Session {
  const session = connect(server.url);
  sessions.push(session);
  return session;
}

function post(session: ClientHttp2Session, path: string, type: string): ClientHttp2Stream {
  return session.request({
    ":method": "POST",
    ":path": `/killcord.v1.${path}`,
    "content-type": type,
    "x-api-key": server.admin_key,
  });
}

/** A unary call, by Connect with JSON. */
function call(session: ClientHttp2Session, path: string, request: object): Promise<string> {
  return new Promise((resolve, reject) => {
    const stream = post(session, path, "application/json");
    let text = "";
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    stream.on("error", reject).on("end", () => resolve(text));
    stream.end(JSON.stringify(request));
  });
}

async function started(session: ClientHttp2Session, count: number, agent_id: string): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < count) {
    const some = Array.from({ length: Math.min(500, count - ids.length) }, async () => {
      const reply = await call(session, "SessionService/StartSession", { agent_id });
      return (JSON.parse(reply) as { session: { sessionId: string } }).session.sessionId;
    });
    ids.push(...(await Promise.all(some)));
  }
  return ids;
}

interface Watched {
  /** Resolves when the stream is over, as it is when everything has stopped. */
  readonly ended: Promise<void>;
}

/** Opens a watch and waits for the end of its snapshot. */
function watched(session: ClientHttp2Session, method: string, request: object): Promise<Watched> {
  const stream = post(session, `SessionService/${method}`, "application/connect+json");
  stream.end(encodeEnvelope(0, Buffer.from(JSON.stringify(request))));
  const ended = new Promise<void>((resolve) => stream.once("end", () => resolve()));
  return new Promise((resolve, reject) => {
    stream.on("error", reject);
    stream.on("data", (chunk: Buffer) => {
      if (chunk.includes("bookmark")) {
        resolve({ ended });
      }
    });
  });
}

/** Resident memory, when the server has had a moment to collect its garbage. */
async function residentKib({ process: child }: Served): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]);
}

function at(times: readonly number[], share: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

function show(what: string, value: number, unit: string): void {
  console.log(`${what.padEnd(64)} ${value.toFixed(2).padStart(10)} ${unit}`);
}
