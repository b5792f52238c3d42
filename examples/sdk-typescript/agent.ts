import { createClient, SessionTerminated } from "@killcord/client";

const client = createClient();
try {
  await using session = await client.startSession({ agentId: "loan-bot", budgets: { maxActions: 2 } });
  // Each call asks first. The signal is aborted by a stop: give it to whatever takes one.
  const transfer = session.tool("transfer_funds", async (signal, amount: number, account: string) => {
    signal.throwIfAborted();
    return `paid ${amount} to ${account}`;
  });
  for (const account of ["4711", "4712", "4713"]) {
    console.log(await transfer(5, account));
  }
} catch (error) {
  if (!(error instanceof SessionTerminated)) throw error;
  console.log("Agent contained:", error.message);
} finally {
  await client.close();
}
