/** Decides one action, however it came: singly, in a batch, over a stream. */
import { create, type JsonObject } from "@bufbuild/protobuf";
import {
  type InterceptError,
  InterceptErrorSchema,
  type InterceptRequest,
  InterceptRequestSchema,
  type InterceptResponse,
} from "../../gen/killcord/v1/enforcement_pb.js";
import type { Intercept, Unstamped } from "../core/command.js";
import type { EnforcementDecision } from "../core/event.js";
import type { HaltVia } from "../core/event-halt.js";
import type { Chain } from "../core/event-parts.js";
import type { Enclosed } from "../engine/outcome.js";
import { newSalt } from "../engine/salt.js";
import { limits } from "../limits.js";
import { CanonicalError } from "../vault/canonical.js";
import { makeDetails } from "../vault/details.js";
import { amountsAsked } from "./amounts.js";
import { by, type Context, keep, submit } from "./context.js";
import type { Call } from "./door.js";
import { KillcordError } from "./errors.js";
import { sealedDecision } from "./sealed-decision.js";
import { invalid } from "./validate.js";
import { isPauseOf, verdictView } from "./verdict.js";

/**
 * Decides an action and answers when that is sealed.
 *
 * @param via how a `terminate` reaches the client
 */
export async function intercept(
  context: Context,
  request: InterceptRequest,
  call: Call,
  via: HaltVia = "intercept",
): Promise<InterceptResponse> {
  const { command, enclosed } = commandOf(request, call);
  const { reply, events, entries } = await submitHolding(context, request, call, command, enclosed);
  const place = events.findIndex((event) => event.event === "enforcement_decision");
  const fresh = entries[place];
  const { decision, entry_id } =
    fresh === undefined
      ? await sealedDecision(context, reply.sequence, "")
      : { decision: events[place] as EnforcementDecision, entry_id: fresh.entry_id };
  const session =
    decision.session_id === null ? null : await context.engine.projection.session(decision.session_id);
  if (session !== null && (decision.decision === "terminate" || isPauseOf(decision))) {
    context.engine.halts.deliver(session, via);
  }
  const { state } = context.engine.projection;
  const with_it = fresh === undefined ? [] : events;
  return verdictView(decision, entry_id, session, state, with_it, reply.evaluated ?? []);
}

/** Submits an action; its text is in memory until that is sealed, also when its caller has gone. */
async function submitHolding(
  context: Context,
  { actionContent = "" }: InterceptRequest,
  call: Call,
  command: Unstamped,
  enclosed: Enclosed,
) {
  const give = call.share.hold(actionContent.length);
  try {
    return await submit(context, call, command, "verdict", enclosed);
  } finally {
    give();
  }
}

/** Why an action was not decided, where the answer is a message and not the end of the call. */
export function errorView({ code, message, details }: KillcordError, call: Call): InterceptError {
  return create(InterceptErrorSchema, {
    code,
    message,
    details: details.map((each) => ({ ...each })),
    requestId: call.request_id,
  });
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
    ...costsAsked(request),
    content: request.actionContent ?? null,
    metadata: request.metadata ?? null,
    action_digest: details.action_digest,
    action_length: details.action_length,
    details_digest: details.details_digest,
    ...(details.details === null ? {} : { details_salt: salt }),
    ...escalationNamed(request),
    latency_us: 0,
    repeat,
    ...by(call),
  } as const;
  return {
    command,
    enclosed: {
      details: details.details,
      brief,
      request: text,
      received_ms: call.received_ms,
    },
  };
}

/** The approval that the action brings. */
function escalationNamed({ escalationId }: InterceptRequest): Pick<Intercept, "escalation"> {
  return escalationId === undefined ? {} : { escalation: { escalation_id: escalationId, same_action: null } };
}

/** What the action costs, or may cost; null for what is not said. */
function costsAsked({ cost, estimate, sessionId }: InterceptRequest): Pick<Intercept, "cost" | "estimate"> {
  if (cost !== undefined && estimate !== undefined) {
    throw invalid([
      { field: "estimate", issue: "goes without cost: one of them says what the action takes" },
    ]);
  }
  if (estimate !== undefined && sessionId === undefined) {
    throw invalid([{ field: "estimate", issue: "needs session_id: nothing is held without a session" }]);
  }
  return {
    cost: cost === undefined ? null : amountsAsked(cost, "cost"),
    estimate: estimate === undefined ? null : amountsAsked(estimate, "estimate"),
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
