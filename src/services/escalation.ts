/** EscalationService: actions that wait for a person, who answers, and how an agent waits. */
import {
  EscalationResolution,
  type EscalationService,
  EscalationStatus,
  type ListEscalationsRequest,
  type ResolveEscalationRequest,
} from "../../gen/killcord/v1/escalation_pb.js";
import type { EscalationRow } from "../engine/escalation-rows.js";
import { by, type Context, submit } from "./context.js";
import type { Call } from "./door.js";
import { KillcordError } from "./errors.js";
import {
  escalationNamed,
  escalationView,
  isTextLost,
  stateView,
  statusOf,
  wholeView,
} from "./escalation-view.js";
import { ownEscalation, watchEscalations } from "./escalation-watch.js";
import type { Handlers } from "./handlers.js";
import { cut, matching, pageOf } from "./page.js";

export function escalationService(context: Context): Handlers<typeof EscalationService> {
  return {
    listEscalations: (request) => listEscalations(context, request),
    getEscalation: async ({ escalationId }, call) => {
      const row = await escalationNamed(context, escalationId);
      return { escalation: await wholeView(context, row, call) };
    },
    getEscalationStatus: async ({ escalationId }, call) => {
      const row = await ownEscalation(context, call, escalationId);
      return { escalation: stateView(context, row) };
    },
    resolveEscalation: (request, call) => resolveEscalation(context, request, call),
    watchEscalations: (request, call) => watchEscalations(context, request, call),
  };
}

async function listEscalations(context: Context, request: ListEscalationsRequest) {
  const { status, agentId, sessionId } = request;
  const asked = new Set(status.length === 0 ? [EscalationStatus.PENDING] : status);
  const list = ["escalations", [...asked].sort(), agentId, sessionId];
  const page = pageOf(request, JSON.stringify(list));
  const wanted = (row: EscalationRow) =>
    asked.has(statusOf(row)) &&
    (agentId === undefined || row.agent_id === agentId) &&
    (sessionId === undefined || row.session_id === sessionId);
  const { rows, ...rest } = await cut(
    page,
    matching(rowsOf(context, asked), wanted),
    (row, place) => row.sequence < Number(place),
    (row) => String(row.sequence),
  );
  return { escalations: await Promise.all(rows.map((row) => escalationView(context, row))), ...rest };
}

/** Newest first. Those that are pending are in memory: the rest need not be read for them. */
async function* rowsOf({ engine }: Context, asked: ReadonlySet<EscalationStatus>) {
  const { projection } = engine;
  if (asked.size > 1 || !asked.has(EscalationStatus.PENDING)) {
    yield* projection.escalations.below(projection.size);
    return;
  }
  for (const escalation_id of [...projection.state.escalations.keys()].reverse()) {
    const row = await projection.escalations.named(escalation_id);
    if (row !== null) {
      yield row;
    }
  }
}

async function resolveEscalation(context: Context, request: ResolveEscalationRequest, call: Call) {
  const { escalationId: escalation_id, unseen } = request;
  const row = await escalationNamed(context, escalation_id);
  const resolution = request.resolution === EscalationResolution.APPROVED ? "approved" : "rejected";
  const is_unseen = resolution === "approved" && row.resolved === null && (await isTextLost(context, row));
  if (is_unseen && !unseen) {
    throw new KillcordError(
      "action_text_lost",
      "the text of this action was lost, so nobody can see what would be approved: reject it, or say `unseen` to approve it all the same",
    );
  }
  await submit(
    context,
    call,
    {
      type: "resolve_escalation",
      escalation_id,
      resolution,
      reason: request.reason || null,
      unseen: is_unseen,
      ...by(call),
    },
    "escalation",
  );
  return { escalation: stateView(context, await escalationNamed(context, escalation_id)) };
}
