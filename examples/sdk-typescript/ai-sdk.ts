/**
 * A tool loop of the Vercel AI SDK that can be stopped, and whose tokens are counted: the model asks for a
 * tool that takes a minute, and a stop ends it in the middle of that. The model here is the SDK's own for tests, so that it runs
 * without a network; put any other in its place.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { createClient, SessionTerminated } from "@killcord/client";
import { generateText, stepCountIs, tool, wrapLanguageModel } from "ai";
import { MockLanguageModelV3 } from "ai/test";
import { z } from "zod";

const usage = {
  inputTokens: { total: 900, noCache: 900, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 100, text: 100, reasoning: 0 },
};
const mock = new MockLanguageModelV3({
  doGenerate: async () => ({
    content: [{ type: "tool-call", toolCallId: "1", toolName: "settle", input: '{"account":"4711"}' }],
    finishReason: { unified: "tool-calls", raw: "tool_calls" },
    usage,
    warnings: [],
  }),
});

const client = createClient();
try {
  await using session = await client.startSession({
    agentId: "settlement-bot",
    budgets: { maxActions: 20, maxTokens: 50_000 },
  });
  console.log("session", session.id);

  // Each call of the model holds what it may use, and is settled with what the SDK says that it used.
  const estimate = { tokens: 4000 };
  const model = wrapLanguageModel({
    model: mock,
    middleware: {
      specificationVersion: "v3",
      wrapGenerate: ({ doGenerate }) =>
        session.spend(
          "llm_call",
          { estimate },
          () => doGenerate(),
          ({ usage: { inputTokens, outputTokens } }) =>
            inputTokens.total === undefined
              ? estimate
              : { tokens: inputTokens.total + (outputTokens.total ?? 0) },
        ),
    },
  });

  // Killcord is asked before each call, and a stop aborts the signal that the call gets.
  const settle = session.tool("settle", async (signal, account: string) => {
    console.log("settling", account);
    signal.addEventListener("abort", () => console.log("the call was aborted"), { once: true });
    await sleep(60_000, undefined, { signal });
    return { account, settled: true };
  });

  await generateText({
    model,
    prompt: "Settle the accounts.",
    stopWhen: stepCountIs(100),
    // The model's own calls end with the session too.
    abortSignal: session.signal,
    tools: {
      settle: tool({
        description: "Settles an account. Takes a minute.",
        inputSchema: z.object({ account: z.string() }),
        execute: ({ account }) => settle(account),
      }),
    },
  });
} catch (error) {
  if (!(error instanceof SessionTerminated)) throw error;
  console.log("stopped:", error.message);
} finally {
  await client.close();
}
