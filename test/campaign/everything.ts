/**
 * Everything at once: sessions that each ask for actions over a stream of their own, and `killcord halt
 * --all` as a person types it. All of them stop, say so, and the evidence of it verifies.
 */
import { command, serve } from "../server/served.js";
import { exported } from "./evidence.js";
import type { SealedLog } from "./sealed.js";
import { isOver } from "./shown.js";
import { openStream, type StreamLine } from "./stream-line.js";

export interface Stopped {
  /** Of the command. */
  readonly status: number | null;
  readonly printed: string;
  /** Streams that ended well after their directive. */
  readonly ended: number;
  /** Verdicts and other answers that the streams had before it. */
  readonly answers: number;
  /** What the verified log says. */
  readonly log: SealedLog;
  /** Milliseconds that the command took, its own start included. */
  readonly took_ms: number;
}

/** @param busy whether each stream asks for one action after the other until it is stopped */
export async function haltAll(sessions: number, busy: boolean): Promise<Stopped> {
  const server = await serve({ flags: ["--log-level", "silent"] });
  const door = { port: Number(new URL(server.url).port), key: server.admin_key };
  let answers = 0;
  const lines: StreamLine[] = [];
  const open = async (): Promise<StreamLine> => {
    const reply = await fetch(`${server.url}/v1/enforce/sessions/start`, {
      method: "POST",
      headers: { "x-api-key": server.admin_key },
      body: JSON.stringify({ agent_id: "fleet" }),
    });
    const { session_id } = (await reply.json()) as { readonly session_id: string };
    return new Promise((resolve) => {
      let over = false;
      const line = openStream(door, session_id, true, ({ shown }) => {
        over ||= shown !== null && isOver(shown);
        answers += over ? 0 : 1;
        if (busy && !over) {
          line.ask(1);
        }
        resolve(line);
      });
    });
  };
  try {
    while (lines.length < sessions) {
      const some = Math.min(50, sessions - lines.length);
      lines.push(...(await Promise.all(Array.from({ length: some }, open))));
    }
    const env = { KILLCORD_URL: server.url, KILLCORD_API_KEY: server.admin_key };
    const began = performance.now();
    const { status, stdout, stderr } = await command(
      ["halt", "--all", "--yes", "--reason", "runaway fleet"],
      env,
    );
    const took_ms = performance.now() - began;
    const ends = await Promise.all(lines.map(({ ended }) => ended));
    await server.end();
    return {
      status,
      printed: stdout + stderr,
      ended: ends.filter((end) => end === "ok").length,
      answers,
      log: await exported(server.data),
      took_ms,
    };
  } finally {
    for (const line of lines) {
      line.leave();
    }
    await server.end();
  }
}
