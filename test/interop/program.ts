/** A client under test: a program that says what it saw, one JSON object a line. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

/** What a client says: which step this is, and what it saw there. */
export type Said = Readonly<Record<string, unknown>> & { readonly step: string };

export interface Client {
  /** The next thing that the client says. Rejects when it ends without saying more. */
  next(): Promise<Said>;
  /** Ends it, if it has not ended yet. */
  end(): Promise<void>;
}

/** What a client is told in its environment: where the server is, and the agent's key. */
export interface Place {
  readonly url: string;
  readonly api_key: string;
}

/** Runs a program of one of the languages. */
export function runClient(program: string, args: readonly string[], { url, api_key }: Place): Client {
  const child = spawn(program, args, {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      NO_PROXY: "127.0.0.1",
      KILLCORD_URL: url,
      KILLCORD_API_KEY: api_key,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const ended = endOf(child);
  return {
    next: sayings(child.stdout, async () => `${program} ended (${await ended})\n${errors}`),
    end: async () => {
      child.kill();
      await ended;
    },
  };
}

/** The lines of a stream as what a client says; `why` tells how it came to its end. */
export function sayings(output: Readable, why: () => Promise<string>): () => Promise<Said> {
  const lines = createInterface({ input: output })[Symbol.asyncIterator]();
  return async () => {
    const { done, value } = await lines.next();
    if (done) {
      throw new Error(`the client said no more: ${await why()}`);
    }
    return JSON.parse(value);
  };
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((yes) => {
    child.once("error", (error) => yes(error.message));
    child.once("close", (status, signal) => yes(`exit status ${status ?? signal}`));
  });
}
