/** EnforcementService: decides actions, and shows what was decided. */
import type { JsonObject } from "@bufbuild/protobuf";
import {
  type EnforcementService,
  type InterceptBatchRequest,
  type InterceptRequest,
  InterceptRequestSchema,
  type ListDecisionsRequest,
} from "../../gen/killcord/v1/enforcement_pb.js";
import type { DecisionRow } from "../engine/projection.js";
import { limits } from "../limits.js";
import { receiptOf } from "../vault/evidence.js";
import { covering } from "./checkpoint.js";
import type { Context } from "./context.js";
import type { Call } from "./door.js";
import { KillcordError } from "./errors.js";
import type { Handlers } from "./handlers.js";
import { errorView, intercept } from "./intercept.js";
import { interceptStream } from "./intercept-stream.js";
import { refuseMalformed } from "./malformed.js";
import { sightOf } from "./own.js";
import { cut, matching, pageOf } from "./page.js";
import { ownDecision, sealedDecision } from "./sealed-decision.js";
import { cancelReservation, settle } from "./settle.js";
import { getStats } from "./stats.js";
import { invalid, validate } from "./validate.js";
import { decisionView, verdictAsked } from "./verdict.js";

export function enforcementService(context: Context): Handlers<typeof EnforcementService> {
  return {
    intercept: (request, call) => intercept(context, request, call),
    interceptBatch: (request, call) => interceptBatch(context, request, call),
    interceptStream: (requests, call) => interceptStream(context, requests, call),
    settle: (request, call) => settle(context, request, call),
    cancelReservation: (request, call) => cancelReservation(context, request, call),
    getDecision: async ({ decisionId }, call) => {
      const { decision, entry_id } = await ownDecision(context, decisionId, call);
      return { decision: decisionView(decision, entry_id) };
    },
    getReceipt: async ({ decisionId }, call) => {
      const { entry } = await ownDecision(context, decisionId, call);
      const checkpoint = await covering(context, entry.sequence_number);
      const receipt = await receiptOf(context.vault, entry, checkpoint, decisionId);
      return { receipt: receipt as unknown as JsonObject };
    },
    getStats: (request, call) => getStats(context, request, call),
    listDecisions: (request, call) => listDecisions(context, request, call),
  };
}

async function interceptBatch(context: Context, request: InterceptBatchRequest, call: Call) {
  const { actions } = request;
  if (actions.length === 0) {
    throw invalid([{ field: "actions", issue: "at least one action is needed" }]);
  }
  if (actions.length > limits.batch_actions) {
    throw new KillcordError(
      "batch_too_large",
      `actions: ${actions.length} actions, at most ${limits.batch_actions} fit into a batch`,
      { details: [{ field: "actions", issue: `at most ${limits.batch_actions}` }] },
    );
  }
  // Sessions come into memory first: then every action is decided in this turn, in order.
  await context.engine.load(actions.flatMap((action) => action.sessionId ?? []));
  const results = await Promise.all(actions.map((action) => interceptItem(context, action, call)));
  const failed = results.filter(({ result }) => result.case === "error").length;
  return { results, failed };
}

async function interceptItem(context: Context, action: InterceptRequest, call: Call) {
  try {
    refuseMalformed(action);
    validate(InterceptRequestSchema, action);
    return { result: { case: "verdict" as const, value: await intercept(context, action, call) } };
  } catch (error) {
    if (!(error instanceof KillcordError)) {
      throw error;
    }
    return { result: { case: "error" as const, value: errorView(error, call) } };
  }
}

async function listDecisions(context: Context, request: ListDecisionsRequest, call: Call) {
  const { engine } = context;
  const list = ["decisions", request.decision, request.actionType, request.agentId, request.sessionId];
  const page = pageOf(request, JSON.stringify(list));
  const verdict = request.decision === undefined ? null : verdictAsked(request.decision);
  const sees = sightOf(context, call);
  const wanted = (row: DecisionRow) =>
    (verdict === null || row.decision === verdict) &&
    (request.actionType === undefined || row.action_type === request.actionType) &&
    (request.agentId === undefined || row.agent_id === request.agentId) &&
    (request.sessionId === undefined || row.session_id === request.sessionId) &&
    sees({ agent_id: row.agent_id, started_by: row.key_id });
  const { rows, ...rest } = await cut(
    page,
    matching(engine.projection.decisions(engine.projection.size), wanted),
    (row, place) => row.sequence < Number(place),
    (row) => String(row.sequence),
  );
  const decisions = await Promise.all(
    rows.map(async ({ sequence }) => {
      const { decision, entry_id } = await sealedDecision(context, sequence, "");
      return decisionView(decision, entry_id);
    }),
  );
  return { decisions, ...rest };
}
