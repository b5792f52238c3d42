/** EnforcementService: decides actions, and shows what was decided. */
import { create, type JsonObject } from "@bufbuild/protobuf";
import {
  type EnforcementService,
  type InterceptBatchRequest,
  InterceptErrorSchema,
  type InterceptRequest,
  InterceptRequestSchema,
  type InterceptResponse,
  type ListDecisionsRequest,
} from "../../gen/killcord/v1/enforcement_pb.js";
import type { Unstamped } from "../core/command.js";
import type { Chain, EnforcementDecision } from "../core/event.js";
import { sequenceOf } from "../core/ids.js";
import { fromContent } from "../engine/content.js";
import type { Enclosed } from "../engine/outcome.js";
import type { DecisionRow } from "../engine/projection.js";
import { newSalt } from "../engine/salt.js";
import { limits } from "../limits.js";
import { CanonicalError } from "../vault/canonical.js";
import { makeDetails } from "../vault/details.js";
import type { SealedEntry } from "../vault/entry.js";
import { receiptOf } from "../vault/evidence.js";
import { covering } from "./checkpoint.js";
import { by, type Context, keep, submit } from "./context.js";
import type { Call } from "./door.js";
import { KillcordError } from "./errors.js";
import type { Handlers } from "./handlers.js";
import { refuseMalformed } from "./malformed.js";
import { refuseForeign, sightOf } from "./own.js";
import { cut, matching, pageOf } from "./page.js";
import { invalid, validate } from "./validate.js";
import { decisionView, verdictAsked, verdictView } from "./verdict.js";

export function enforcementService(context: Context): Handlers<typeof EnforcementService> {
  return {
    intercept: (request, call) => intercept(context, request, call),
    interceptBatch: (request, call) => interceptBatch(context, request, call),
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
    listDecisions: (request, call) => listDecisions(context, request, call),
  };
}

async function intercept(
  context: Context,
  request: InterceptRequest,
  call: Call,
): Promise<InterceptResponse> {
  const { command, enclosed } = commandOf(request, call);
  const { reply, events, entries } = await submit(context, call, command, "verdict", enclosed);
  const place = events.findIndex((event) => event.event === "enforcement_decision");
  const fresh = entries[place];
  const { decision, entry_id } =
    fresh === undefined
      ? await sealedDecision(context, reply.sequence, "")
      : { decision: events[place] as EnforcementDecision, entry_id: fresh.entry_id };
  const session =
    decision.session_id === null ? null : await context.engine.projection.session(decision.session_id);
  return verdictView(decision, entry_id, session);
}

/** The command of one action: its text is reduced to a salted digest here and goes no further. */
function commandOf(
  request: InterceptRequest,
  call: Call,
): { readonly command: Unstamped & { readonly type: "intercept" }; readonly enclosed: Enclosed } {
  if (request.chainStep !== undefined && request.chainId === undefined) {
    throw new KillcordError("invalid_chain", "chain_step needs chain_id", {
      details: [{ field: "chain_step", issue: "needs chain_id" }],
    });
  }
  const salt = newSalt();
  const details = detailsOf(request, salt);
  const brief = () => detailsOf(request, salt, 0);
  const { repeat, request: text } = keep(InterceptRequestSchema, request, "Intercept", [], salt);
  const command = {
    type: "intercept",
    session_id: request.sessionId ?? null,
    agent_id: request.agentId ?? null,
    action_type: request.actionType,
    chain: chainOf(request),
    action_digest: details.action_digest,
    action_length: details.action_length,
    details_digest: details.details_digest,
    latency_us: 0,
    repeat,
    ...by(call),
  } as const;
  return {
    command,
    enclosed: { details: details.details, brief, request: text, received_ms: call.received_ms },
  };
}

function detailsOf(
  request: InterceptRequest,
  salt: string,
  bytes_max: number = limits.details_bytes,
): ReturnType<typeof makeDetails> {
  const metadata = request.metadata === undefined ? null : metadataOf(request.metadata);
  try {
    return makeDetails({ salt, metadata, action_content: request.actionContent ?? null }, bytes_max);
  } catch (error) {
    if (error instanceof CanonicalError) {
      throw invalid([{ field: "metadata", issue: error.message }]);
    }
    throw error;
  }
}

function metadataOf(metadata: JsonObject): JsonObject | null {
  const fields = Object.keys(metadata);
  if (fields.length === 0) {
    return null;
  }
  const text = JSON.stringify(metadata);
  if (Buffer.byteLength(text, "utf8") > limits.metadata_bytes) {
    throw invalid([{ field: "metadata", issue: `more than ${limits.metadata_bytes} bytes as JSON` }]);
  }
  if (depthOf(metadata) > limits.metadata_depth) {
    throw invalid([{ field: "metadata", issue: `more than ${limits.metadata_depth} nested containers` }]);
  }
  return metadata;
}

function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) {
    return 0;
  }
  let deepest = 0;
  for (const member of Object.values(value)) {
    deepest = Math.max(deepest, depthOf(member));
  }
  return 1 + deepest;
}

function chainOf(request: InterceptRequest): Chain | null {
  const { chainId, chainStep, parentDecisionId } = request;
  return chainId === undefined && parentDecisionId === undefined
    ? null
    : {
        chain_id: chainId ?? null,
        chain_step: chainStep ?? null,
        parent_decision_id: parentDecisionId ?? null,
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
    const { code, message, details } = error;
    const value = create(InterceptErrorSchema, {
      code,
      message,
      details: details.map((each) => ({ ...each })),
      requestId: call.request_id,
    });
    return { result: { case: "error" as const, value } };
  }
}

/** A decision that the caller may see. */
async function ownDecision(context: Context, decision_id: string, call: Call): Promise<SealedDecision> {
  const sealed = await sealedDecision(context, sequenceOf("enf", decision_id), decision_id);
  const { agent_id, actor } = sealed.decision;
  const owned = { agent_id, started_by: actor.key_id };
  refuseForeign(context, call, owned, "the decision is about another agent's action");
  return sealed;
}

interface SealedDecision {
  readonly decision: EnforcementDecision;
  readonly entry: SealedEntry;
  readonly entry_id: string;
}

/** Reads a decision back from the log. */
async function sealedDecision(
  { vault, engine }: Context,
  sequence: number | null,
  decision_id: string,
): Promise<SealedDecision> {
  const entry = sequence === null || sequence >= engine.projection.size ? null : await vault.entry(sequence);
  const event = entry === null ? null : fromContent(entry.content, entry.details, entry.sequence_number);
  if (entry === null || event?.event !== "enforcement_decision") {
    throw new KillcordError(
      "decision_not_found",
      `there is no decision ${JSON.stringify(decision_id.slice(0, 64))} in this workspace`,
    );
  }
  return { decision: event, entry, entry_id: entry.entry_id };
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
