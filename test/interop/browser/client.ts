/** `@killcord/client` in a page, as a bundler that builds for browsers finds it. */
import { createClient, SessionTerminated } from "@killcord/client";

function say(step: string, seen: object = {}): void {
  console.log(JSON.stringify({ step, ...seen }));
}

/** An agent that waits in a tool until it is stopped, beside somebody who looks on. */
async function runUntilStopped(url: string, api_key: string): Promise<void> {
  const client = createClient({ url, apiKey: api_key, warn: (message) => say("warned", { message }) });
  const looking = lookOn(client);
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
  say("closed", { seen: await looking });
  await client.close();
}

/** What a watch tells of the agent's sessions, to the first that is over. */
async function lookOn(client: ReturnType<typeof createClient>): Promise<readonly string[]> {
  const seen: string[] = [];
  for await (const { status } of client.watch({ agentId: "page-bot" })) {
    if (seen.at(-1) !== status) seen.push(status);
    if (status !== "active") break;
  }
  return seen;
}

export type RunUntilStopped = typeof runUntilStopped;

Object.assign(globalThis, { runUntilStopped });
