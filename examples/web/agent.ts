import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { EnforcementService, Verdict } from "../../gen/killcord/v1/enforcement_pb.js";
import { SessionService } from "../../gen/killcord/v1/session_pb.js";

/** Asks for three actions where the session has a budget of two, and shows each verdict. */
export async function ask(url: string, api_key: string, show: (verdict: string) => void): Promise<void> {
  const transport = createConnectTransport({ baseUrl: url });
  const headers = { "x-api-key": api_key };
  const request = { agentId: "loan-bot", budgets: { maxActions: 2n } };
  const { session } = await createClient(SessionService, transport).startSession(request, { headers });
  const enforcement = createClient(EnforcementService, transport);
  for (let i = 0; i < 3; i++) {
    const action = { sessionId: session?.sessionId ?? "", actionType: "transfer_funds" };
    const { decision } = await enforcement.intercept(action, { headers });
    show(Verdict[decision]);
  }
}
