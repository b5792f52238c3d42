import { createClient } from "@killcord/client";

/** Shows the sessions of an agent in a page, each as it is and each change, until one is stopped. */
export async function showUntilStopped(url: string, api_key: string, show: (line: string) => void) {
  await using client = createClient({ url, apiKey: api_key });
  for await (const session of client.watch({ agentId: "page-bot" })) {
    show(`${session.sessionId} ${session.status} ${session.reason}`.trimEnd());
    if (session.stopReason !== undefined) return;
  }
}
