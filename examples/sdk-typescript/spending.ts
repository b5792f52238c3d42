/** An agent that never comes to an end, stopped by what its calls of a model cost. The model here is none. */
import { createClient, SessionTerminated } from "@killcord/client";

/** USD of so many tokens, at 3 USD a million. Here it is rounded, and nowhere else. */
const usd = (tokens: number) => ((tokens * 3) / 1e6).toFixed(6);

async function ask(prompt: string, signal: AbortSignal) {
  signal.throwIfAborted();
  return { text: `an answer to ${prompt}`, tokens: 1500 };
}

const client = createClient();
try {
  await using session = await client.startSession({
    agentId: "researcher",
    budgets: { maxCostUsd: "0.015" },
  });
  for (let turn = 1; ; turn += 1) {
    const { text } = await session.spend(
      "llm_call",
      // The most that a call is expected to use is held before it: no limit is passed by what is under way.
      { estimate: { tokens: 2000, costUsd: usd(2000) } },
      (signal) => ask(`question ${turn}`, signal),
      // What it did use is said after it, and the rest is given back.
      ({ tokens }) => ({ tokens, costUsd: usd(tokens) }),
    );
    console.log(text);
  }
} catch (error) {
  if (!(error instanceof SessionTerminated)) throw error;
  console.log("Agent contained:", error.message);
} finally {
  await client.close();
}
