/** Asks for one action, and turns the verdict into a return or a throw. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type InterceptRequestSchema,
  type InterceptResponse,
  Verdict,
} from "../gen/killcord/v1/enforcement_pb.js";
import { SessionStatus } from "../gen/killcord/v1/session_pb.js";
import { untilApproved } from "./approval.js";
import {
  AccessDenied,
  ActionBlocked,
  ActionEscalated,
  KillcordError,
  ServerUnreachable,
  SessionPaused,
  SessionTerminated,
} from "./errors.js";
import { wireCost } from "./money.js";
import { type Action, checkAction } from "./options.js";
import type { Run } from "./run.js";
import { type Allowed, allowedBy, refusalOf, unasked, warningsOf } from "./verdict.js";
import { isTerminal, statusWord, stopReasonWord } from "./words.js";

/** @throws {KillcordError} for everything but an allow */
export async function intercept(run: Run, action_type: string, action: Action): Promise<Allowed> {
  checkAction(action);
  let asked = action;
  for (;;) {
    asked.signal?.throwIfAborted();
    run.guardStop();
    const { state } = run;
    if (state.kind === "paused") {
      if (!run.plan.waits_when_paused) throw new SessionPaused(unasked(action_type, state.reason));
      await run.untilActive(asked.signal);
    }
    const answer = await ask(run, action_type, asked);
    if (answer instanceof SessionPaused) {
      if (!run.plan.waits_when_paused) throw answer;
      await run.untilActive(asked.signal);
    } else if (answer instanceof ActionEscalated) {
      // An older server names no escalation: there is nothing to wait for.
      if (!run.plan.waits_when_escalated || answer.escalationId === "") throw answer;
      await untilApproved(run, answer, asked.signal);
      asked = approved(asked, answer.escalationId);
    } else {
      return answer;
    }
  }
}

/**
 * The same action with its approval. Its key, where the caller gave one, has the escalation's verdict: it
 * gets another, to which a repeat of the whole leads as well, so that it is still counted once.
 */
function approved(action: Action, escalation_id: string): Action {
  const { idempotencyKey } = action;
  if (idempotencyKey === undefined) return { ...action, escalationId: escalation_id };
  const kept = idempotencyKey.slice(0, key_length_max - escalation_id.length - 1);
  return { ...action, escalationId: escalation_id, idempotencyKey: `${kept}.${escalation_id}` };
}

/** What the server takes. */
const key_length_max = 255;

async function ask(
  run: Run,
  action_type: string,
  action: Action,
): Promise<Allowed | SessionPaused | ActionEscalated> {
  const { connection, plan } = run;
  // A call that is repeated may have renewed the lease when it was first heard, and not again.
  const sent_ms = connection.platform.clock.nowMs();
  const request = requestOf(run.id, action_type, action);
  let reply: InterceptResponse;
  try {
    reply = await run.race(
      (signal) =>
        connection.call({ timeout_ms: plan.timeout_ms, signal }, ({ enforcement }, options) =>
          enforcement.intercept(request, options),
        ),
      action.signal,
    );
  } catch (error) {
    if (action.signal?.aborted && error === action.signal.reason) throw error;
    return await withoutVerdict(run, action_type, error);
  }
  run.lifeline.renewed(sent_ms);
  return judge(run, action_type, reply);
}

function requestOf(
  session_id: string,
  action_type: string,
  action: Action,
): MessageInitShape<typeof InterceptRequestSchema> {
  const { cost, estimate } = action;
  return {
    sessionId: session_id,
    actionType: action_type,
    idempotencyKey: action.idempotencyKey ?? newKey(),
    ...given("actionContent", action.content),
    ...given("metadata", action.metadata),
    ...given("chainId", action.chainId),
    ...given("chainStep", action.chainStep),
    ...given("parentDecisionId", action.parentDecisionId),
    ...given("escalationId", action.escalationId),
    ...(cost === undefined ? {} : { cost: wireCost("cost", cost) }),
    ...(estimate === undefined ? {} : { estimate: wireCost("estimate", estimate) }),
  };
}

function given<Name extends string, Value>(name: Name, value: Value | undefined): { [N in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { [N in Name]?: Value });
}

/** No verdict is no permission; unless failOpen was asked for, and the server is merely away. */
async function withoutVerdict(run: Run, action_type: string, error: unknown): Promise<Allowed> {
  // A revoked credential is told of its stop, and of nothing else: ask for that.
  if (error instanceof AccessDenied || codeOf(error) === "session_not_found") await run.lifeline.ask();
  if (run.state.kind === "stopped" && run.state.terminated.haltId !== undefined) throw run.state.terminated;
  if (!(error instanceof ServerUnreachable)) throw error;
  run.guard();
  if (!run.plan.fails_open) throw error;
  run.connection.platform.warn(`${action_type} is allowed without a verdict (failOpen): ${error.message}`);
  return { offline: true, decisionId: "", reasoning: `failOpen: ${error.message}` };
}

function codeOf(error: unknown): string {
  return error instanceof KillcordError ? error.code : "";
}

function judge(
  run: Run,
  action_type: string,
  reply: InterceptResponse,
): Allowed | SessionPaused | ActionEscalated {
  for (const warning of warningsOf(reply)) run.warned(warning);
  if (reply.decision === Verdict.TERMINATE || isTerminal(reply.sessionStatus)) {
    run.stop(terminatedBy(run, reply));
  }
  // Also what a process that slept through its lease gets: the answer came too late to be a permission.
  run.guardStop();
  const refusal = refusalOf(action_type, reply);
  if (reply.sessionStatus === SessionStatus.PAUSED) return new SessionPaused(refusal);
  switch (reply.decision) {
    case Verdict.ALLOW:
      if (reply.sessionStatus !== SessionStatus.ACTIVE) {
        const reasoning = `the server says ${statusWord(reply.sessionStatus)}, which this version of the library does not know`;
        throw new ActionBlocked({ ...refusal, reasoning });
      }
      return allowedBy(reply);
    case Verdict.BLOCK:
      throw new ActionBlocked(refusal);
    case Verdict.ESCALATE:
      return new ActionEscalated(refusal, reply.escalationId ?? "");
    default:
      throw new ActionBlocked({
        ...refusal,
        reasoning: `verdict ${reply.decision} is not known to this version of the library: ${reply.reasoning}`,
      });
  }
}

function terminatedBy(run: Run, reply: InterceptResponse): SessionTerminated {
  return new SessionTerminated({
    sessionId: run.id,
    status: isTerminal(reply.sessionStatus) ? statusWord(reply.sessionStatus) : "killed",
    stopReason: stopReasonWord(reply.stopReason),
    reason: reply.reasoning,
    haltId: reply.haltId,
  });
}

/** Of a call, so that a repeat of it is recognised. A page that is no secure context has no randomUUID. */
export function newKey(): string {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
