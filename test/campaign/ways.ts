/** A client of its own that spends: over REST on one HTTP/1.1 connection, or over gRPC on one HTTP/2 connection. */
import { Agent, request } from "node:http";
import { type BudgetLeft, EnforcementService, Verdict } from "../../gen/killcord/v1/enforcement_pb.js";
import type { Consumed, Reserved } from "../../gen/killcord/v1/session_pb.js";
import { openGrpcClient } from "../rpc/grpc-client.js";
import { errorInfo } from "../rpc/status-details.js";
import type { Counts } from "./ledger.js";
import type { Door } from "./lines.js";

/** Amounts of a request: money as decimal text. */
export interface Cost {
  readonly tokens: number;
  readonly cost_usd: string;
}

export type Asked =
  | {
      readonly do: "intercept";
      readonly session_id: string;
      readonly key: string;
      readonly cost?: Cost;
      readonly estimate?: Cost;
    }
  | { readonly do: "settle"; readonly decision_id: string; readonly cost: Cost }
  | { readonly do: "cancel"; readonly decision_id: string };

/** What was answered. */
export interface Told {
  /** Of an error; null for an answer. */
  readonly code: string | null;
  readonly decision_id: string;
  /** Null but for an intercept. */
  readonly decision: string | null;
  readonly policy_id: string | null;
  readonly consumed: Counts | null;
  readonly held: Amounts;
  /** What is left in all, by the answer; null where it says nothing of it. */
  readonly left: Amounts | null;
}

interface Amounts {
  readonly tokens: number;
  readonly cost_usd_micros: number;
}

export interface Way {
  /** Null when no answer came: the connection broke, or the server is not there. */
  ask(asked: Asked): Promise<Told | null>;
  close(): void;
}

const no_answer: ReadonlySet<string> = new Set(["unavailable", "overloaded", "deadline_exceeded"]);
const deadline_ms = 20_000;

export function overRest({ port, key }: Door): Way {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return {
    ask: async (asked) => {
      const text = await post(agent, port, key, asked).catch(() => null);
      const reply = text === null ? null : parsed(text);
      return reply === null || no_answer.has(reply.error?.code ?? "") ? null : toldByRest(reply);
    },
    close: () => agent.destroy(),
  };
}

interface RestReply {
  readonly error?: { readonly code: string };
  readonly decision_id?: string;
  readonly decision?: string;
  readonly policies_triggered?: readonly { readonly policy_id: string }[];
  readonly consumed?: Counts;
  readonly reserved?: Amounts;
  readonly budget_left?: Amounts;
}

/** Null for a reply that was cut in the middle. */
function parsed(text: string): RestReply | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function toldByRest({
  error,
  decision_id,
  decision,
  policies_triggered,
  consumed,
  reserved,
  budget_left,
}: RestReply): Told {
  return {
    code: error?.code ?? null,
    decision_id: decision_id ?? "",
    decision: decision ?? null,
    policy_id: policies_triggered?.[0]?.policy_id ?? null,
    consumed: consumed ?? null,
    held: reserved ?? { tokens: 0, cost_usd_micros: 0 },
    left: budget_left ?? null,
  };
}

function post(agent: Agent, port: number, key: string, asked: Asked): Promise<string> {
  const { path, body } = restOf(asked);
  return new Promise((resolve, reject) => {
    const call = request(
      {
        agent,
        port,
        host: "127.0.0.1",
        method: "POST",
        path,
        headers: { "x-api-key": key },
        timeout: deadline_ms,
      },
      (reply) => {
        let text = "";
        reply.setEncoding("utf8");
        reply.on("data", (piece: string) => {
          text += piece;
        });
        reply.on("error", reject).on("end", () => resolve(text));
      },
    );
    call.on("timeout", () => call.destroy(new Error("no answer"))).on("error", reject);
    call.end(JSON.stringify(body));
  });
}

function restOf(asked: Asked): { readonly path: string; readonly body: object } {
  switch (asked.do) {
    case "intercept": {
      const { session_id, key, cost, estimate } = asked;
      const body = { session_id, action_type: "spend", idempotency_key: key, cost, estimate };
      return { path: "/v1/enforce/intercept", body };
    }
    case "settle":
      return { path: `/v1/enforce/decisions/${asked.decision_id}/settle`, body: { cost: asked.cost } };
    case "cancel":
      return { path: `/api/v1/enforce/decisions/${asked.decision_id}/cancel`, body: {} };
  }
}

export function overGrpc({ port, key }: Door): Way {
  const open = () => openGrpcClient(`127.0.0.1:${port}`, { "x-api-key": key });
  let client = open();
  const { intercept, settle, cancelReservation } = EnforcementService.method;
  const more = { deadline_ms };
  return {
    ask: async (asked) => {
      const { message, status } =
        asked.do === "intercept"
          ? await client.unary(intercept, interceptOf(asked), more)
          : asked.do === "settle"
            ? await client.unary(settle, { decisionId: asked.decision_id, cost: costOf(asked.cost) }, more)
            : await client.unary(cancelReservation, { decisionId: asked.decision_id }, more);
      if (message !== null) {
        return toldByGrpc(message as GrpcReply);
      }
      const reason = errorInfo(status.metadata)?.reason ?? `status ${status.code}`;
      // 1, 2, 4, 8, 13 and 14 are what grpc-js says of connections that broke, and the server of itself.
      if (!no_answer.has(reason) && !/^status (1|2|4|8|13|14)$/.test(reason)) {
        return { ...toldByRest({}), code: reason };
      }
      // grpc-js itself would wait ever longer before it connects again.
      client.close();
      client = open();
      return null;
    },
    close: () => client.close(),
  };
}

interface GrpcReply {
  readonly decisionId: string;
  readonly decision?: Verdict;
  readonly policiesTriggered?: readonly { readonly policyId: string }[];
  readonly consumed?: Consumed;
  readonly reserved?: Reserved;
  readonly budgetLeft?: BudgetLeft;
}

function toldByGrpc({
  decisionId,
  decision,
  policiesTriggered,
  consumed,
  reserved,
  budgetLeft,
}: GrpcReply): Told {
  return {
    code: null,
    decision_id: decisionId,
    decision: decision === undefined ? null : (Verdict[decision] as string).toLowerCase(),
    policy_id: policiesTriggered?.[0]?.policyId ?? null,
    consumed:
      consumed === undefined
        ? null
        : {
            actions: Number(consumed.actions),
            tokens: Number(consumed.tokens),
            cost_usd_micros: Number(consumed.costUsdMicros),
          },
    held: {
      tokens: Number(reserved?.tokens ?? 0n),
      cost_usd_micros: Number(reserved?.costUsdMicros ?? 0n),
    },
    left:
      budgetLeft === undefined
        ? null
        : { tokens: Number(budgetLeft.tokens), cost_usd_micros: Number(budgetLeft.costUsdMicros) },
  };
}

function interceptOf({ session_id, key, cost, estimate }: Extract<Asked, { do: "intercept" }>) {
  return {
    sessionId: session_id,
    actionType: "spend",
    idempotencyKey: key,
    ...(cost === undefined ? {} : { cost: costOf(cost) }),
    ...(estimate === undefined ? {} : { estimate: costOf(estimate) }),
  };
}

function costOf({ tokens, cost_usd }: Cost) {
  return { tokens: BigInt(tokens), costUsd: cost_usd };
}
