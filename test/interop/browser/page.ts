/**
 * An agent in a page, on connect-web with the stubs in gen/. It takes the steps of containment.ts and
 * says each on the console. `takeSteps` is there for the test to call, as is the shortest program of
 * docs/clients.md.
 */
import { Code, ConnectError, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { ask } from "../../../examples/web/agent.js";
import { ErrorInfoSchema } from "../../../gen/google/rpc/error_details_pb.js";
import { EnforcementService, Verdict } from "../../../gen/killcord/v1/enforcement_pb.js";
import {
  HaltEvidence,
  HaltPhase,
  type Session,
  SessionService,
  SessionStatus,
  StopReason,
} from "../../../gen/killcord/v1/session_pb.js";

export type Protocol = "connect" | "grpc-web";

function say(step: string, seen: object): void {
  console.log(JSON.stringify({ step, ...seen }));
}

function agent(transport: Transport) {
  const sessions = createClient(SessionService, transport);
  const enforcement = createClient(EnforcementService, transport);
  return {
    sessions,
    async start(max_actions: bigint): Promise<string> {
      const { session } = await sessions.startSession({
        agentId: "connect-web",
        budgets: { maxActions: max_actions },
      });
      return session?.sessionId ?? "";
    },
    intercept: (session_id: string) =>
      enforcement.intercept({
        sessionId: session_id,
        actionType: "transfer_funds",
        actionContent: "pay 5 to 4711",
      }),
  };
}

type Agent = ReturnType<typeof agent>;

async function spendBudget({ start, intercept }: Agent): Promise<void> {
  const session_id = await start(2n);
  const answers = [await intercept(session_id), await intercept(session_id), await intercept(session_id)];
  say("budget", {
    verdicts: answers.map(({ decision }) => Verdict[decision].toLowerCase()),
    stop_reason: StopReason[answers[2]?.stopReason ?? 0]?.toLowerCase(),
  });
}

async function learnKill({ sessions, start, intercept }: Agent): Promise<void> {
  const session_id = await start(100n);
  let state: Session | undefined;
  for await (const { update } of sessions.watchSession({ sessionId: session_id })) {
    if (update.case !== "session") {
      continue;
    }
    if (state === undefined) {
      say("watching", { session_id, status: SessionStatus[update.value.status].toLowerCase() });
    }
    state = update.value;
  }
  say("stopped", {
    status: SessionStatus[state?.status ?? 0]?.toLowerCase(),
    kill_reason: state?.killReason,
    stop_reason: StopReason[state?.stopReason ?? 0]?.toLowerCase(),
    halt_id: state?.haltId,
  });
  const { decision } = await intercept(session_id);
  const { session } = await sessions.acknowledgeHalt({
    sessionId: session_id,
    haltId: state?.haltId ?? "",
    phase: HaltPhase.STOPPED,
    evidence: HaltEvidence.TASKS_CANCELLED,
  });
  say("after", {
    verdict: Verdict[decision].toLowerCase(),
    status: SessionStatus[session?.status ?? 0]?.toLowerCase(),
  });
}

async function tryToKill({ sessions, start }: Agent): Promise<void> {
  try {
    await sessions.killSession({ sessionId: await start(1n) });
  } catch (thrown) {
    const error = ConnectError.from(thrown, Code.Unknown);
    const info = error.findDetails(ErrorInfoSchema)[0];
    say("refused", { code: error.code, reason: info?.reason, domain: info?.domain });
  }
}

async function takeSteps(url: string, api_key: string, protocol: Protocol): Promise<void> {
  const withKey: Interceptor = (next) => (request) => {
    request.header.set("x-api-key", api_key);
    return next(request);
  };
  const create = protocol === "connect" ? createConnectTransport : createGrpcWebTransport;
  const it = agent(create({ baseUrl: url, interceptors: [withKey] }));
  await spendBudget(it);
  await learnKill(it);
  await tryToKill(it);
}

export type TakeSteps = typeof takeSteps;

Object.assign(globalThis, { takeSteps, ask });
