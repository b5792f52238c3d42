/** Asks for one action, and turns the verdict into a return or a throw. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type InterceptRequestSchema,
  type InterceptResponse,
  Verdict,
} from "../gen/killcord/v1/enforcement_pb.js";
import { SessionStatus } from "../gen/killcord/v1/session_pb.js";
import {
  AccessDenied,
  ActionBlocked,
  ActionEscalated,
  KillcordError,
  type Policy,
  type Refusal,
  ServerUnreachable,
  SessionPaused,
  SessionTerminated,
} from "./errors.js";
import { type Action, checkAction } from "./options.js";
import type { Run } from "./run.js";
import { isTerminal, statusWord, stopReasonWord } from "./words.js";

/** Leave to do what was asked for: there is no other result. */
export type Allowed = AllowedBySeal | AllowedOffline;

/** The server has sealed it. */
export interface AllowedBySeal {
  readonly offline: false;
  /** `enf_` and 12 hex digits. */
  readonly decisionId: string;
  /** Why, as text for people. */
  readonly reasoning: string;
  /** The sealed entry, `ve_` and 24 hex digits. */
  readonly vaultEntryId: string;
  /** Those that had a say, warnings among them. */
  readonly policies: readonly Policy[];
  /** Actions of the session so far, this one included. */
  readonly actions: number;
}

/** The server did not answer, and failOpen was asked for: nothing is sealed, nothing is counted. */
export interface AllowedOffline {
  readonly offline: true;
  readonly decisionId: "";
  readonly reasoning: string;
}

/** @throws {KillcordError} for everything but an allow */
export async function intercept(run: Run, action_type: string, action: Action): Promise<Allowed> {
  checkAction(action);
  for (;;) {
    run.guardStop();
    const { state } = run;
    if (state.kind === "paused") {
      if (!run.plan.waits_when_paused) {
        throw new SessionPaused({ ...nothing_decided, actionType: action_type, reasoning: state.reason });
      }
      await run.untilActive();
    }
    const answer = await ask(run, action_type, action);
    if (!(answer instanceof SessionPaused)) return answer;
    if (!run.plan.waits_when_paused) throw answer;
    await run.untilActive();
  }
}

async function ask(run: Run, action_type: string, action: Action): Promise<Allowed | SessionPaused> {
  const { connection, plan } = run;
  // A call that is repeated may have renewed the lease when it was first heard, and not again.
  const sent_ms = connection.platform.clock.nowMs();
  const request = {
    sessionId: run.id,
    actionType: action_type,
    idempotencyKey: action.idempotencyKey ?? newKey(),
    ...given("actionContent", action.content),
    ...given("metadata", action.metadata),
    ...given("chainId", action.chainId),
    ...given("chainStep", action.chainStep),
    ...given("parentDecisionId", action.parentDecisionId),
  } satisfies MessageInitShape<typeof InterceptRequestSchema>;
  let reply: InterceptResponse;
  try {
    reply = await run.race((signal) =>
      connection.call({ timeout_ms: plan.timeout_ms, signal }, ({ enforcement }, options) =>
        enforcement.intercept(request, options),
      ),
    );
  } catch (error) {
    return await withoutVerdict(run, action_type, error);
  }
  run.lifeline.renewed(sent_ms);
  return judge(run, action_type, reply);
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

function judge(run: Run, action_type: string, reply: InterceptResponse): Allowed | SessionPaused {
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
      return {
        offline: false,
        decisionId: reply.decisionId,
        reasoning: reply.reasoning,
        vaultEntryId: reply.vaultEntryId,
        policies: refusal.policies,
        actions: Number(reply.consumed?.actions ?? 0n),
      };
    case Verdict.BLOCK:
      throw new ActionBlocked(refusal);
    case Verdict.ESCALATE:
      throw new ActionEscalated(refusal);
    default:
      throw new ActionBlocked({
        ...refusal,
        reasoning: `verdict ${reply.decision} is not known to this version of the library: ${reply.reasoning}`,
      });
  }
}

const nothing_decided = { decisionId: "", policies: [] };

function refusalOf(action_type: string, reply: InterceptResponse): Refusal {
  return {
    actionType: action_type,
    reasoning: reply.reasoning,
    decisionId: reply.decisionId,
    policies: reply.policiesTriggered.map(({ policyId, name, reason }) => ({ policyId, name, reason })),
  };
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
