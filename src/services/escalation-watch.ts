/** Watches of escalations: approvers see what waits, and an agent waits for its own. */
import { create } from "@bufbuild/protobuf";
import {
  type WatchEscalationsRequest,
  type WatchEscalationsResponse,
  WatchEscalationsResponseSchema,
} from "../../gen/killcord/v1/escalation_pb.js";
import type { EscalationRow } from "../engine/escalation-rows.js";
import type { Asked, EscalationSelection } from "../engine/escalation-watcher.js";
import { type Context, faultOf } from "./context.js";
import type { Call } from "./door.js";
import { escalationNamed, escalationView } from "./escalation-view.js";
import { refuseForeign, sightOf } from "./own.js";
import { placeOf, readerOf, revisionOf } from "./watch.js";

/**
 * An escalation that the caller may hear of.
 *
 * @throws {KillcordError} escalation_not_found, insufficient_permissions
 */
export async function ownEscalation(
  context: Context,
  call: Call,
  escalation_id: string,
): Promise<EscalationRow> {
  const row = await escalationNamed(context, escalation_id);
  refuseForeign(context, call, ownedBy(row), "the escalation is about another agent's action");
  return row;
}

function ownedBy({ agent_id, asked_by }: Asked) {
  return { agent_id, started_by: asked_by };
}

export async function* watchEscalations(
  context: Context,
  request: WatchEscalationsRequest,
  call: Call,
): AsyncGenerator<WatchEscalationsResponse, void, undefined> {
  // First: a log that was rolled back may lack the escalation, too, and the token tells why.
  const from = revisionOf(context, request.resumeToken);
  const escalation_ids = [...new Set(request.escalationIds)];
  for (const escalation_id of escalation_ids) {
    await ownEscalation(context, call, escalation_id);
  }
  const selection: EscalationSelection =
    escalation_ids.length > 0 ? { by: "ids", escalation_ids } : filterOf(context, request, call);
  try {
    for await (const told of context.engine.follower.escalations(selection, readerOf(context, call), from)) {
      const value =
        told.type === "escalation"
          ? await escalationView(context, told.escalation)
          : { draining: told.draining };
      const update = { case: told.type, value } as WatchEscalationsResponse["update"];
      yield create(WatchEscalationsResponseSchema, { update, ...placeOf(context, told.revision) });
    }
  } catch (error) {
    throw faultOf(error);
  }
}

function filterOf(
  context: Context,
  { agentId, sessionId }: WatchEscalationsRequest,
  call: Call,
): EscalationSelection {
  const sees = sightOf(context, call);
  const matches = (asked: Asked) =>
    (agentId === undefined || asked.agent_id === agentId) &&
    (sessionId === undefined || asked.session_id === sessionId) &&
    sees(ownedBy(asked));
  return { by: "filter", matches };
}
