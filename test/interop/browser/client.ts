/** `@killcord/client` in a page, as a bundler that builds for browsers finds it. */
import { createClient, SessionTerminated } from "@killcord/client";
import { showUntilStopped } from "../../../examples/sdk-typescript/sessions.js";

function say(step: string, seen: object = {}): void {
  console.log(JSON.stringify({ step, ...seen }));
}

/** An agent that waits in a tool until it is stopped, beside somebody who looks on. */
async function runUntilStopped(url: string, api_key: string): Promise<void> {
  const client = createClient({ url, apiKey: api_key, warn: (message) => say("warned", { message }) });
  const seen = new Set<string>();
  const looking = showUntilStopped(url, api_key, (line) => seen.add(line));
  const session = await client.startSession({ agentId: "page-bot", budgets: { maxActions: 5 } });
  const wait = session.tool("wait", (signal, minutes: number) => {
    say("waiting", { session_id: session.id, minutes });
    return new Promise((_, no) => signal.addEventListener("abort", () => no(signal.reason)));
  });
  try {
    await wait(1);
  } catch (error) {
    say("stopped", { message: String(error), is_stop: error instanceof SessionTerminated });
  }
  await session.close();
  await looking;
  say("closed", { seen: [...seen] });
  await client.close();
}

export type RunUntilStopped = typeof runUntilStopped;

Object.assign(globalThis, { runUntilStopped });
