/**
 * Waits for what a person says of an action that was escalated: a watch tells it the moment that it is
 * sealed, and where none comes through, it is asked for every second.
 */
import type { ConnectError } from "@connectrpc/connect";
import { EscalationStatus } from "../gen/killcord/v1/escalation_pb.js";
import type { Connection, Services } from "./connection.js";
import { AccessDenied, ActionBlocked, type ActionEscalated } from "./errors.js";
import { callError, failureKind, toldFailure } from "./failure.js";
import { backoffMs, sleep } from "./platform.js";
import type { Run } from "./run.js";
import { silence_ms } from "./stream.js";

/** What was said. */
interface Answer {
  readonly status: EscalationStatus;
  readonly reason: string;
}

/** Longest wait for the first message of a watch: a proxy that gathers whole replies never sends it. */
const first_ms = 10_000;
/** Time between two questions where no watch tells it. */
const poll_ms = 1000;
/** Longest wait for the answer to one. */
const status_ms = 2500;

/**
 * Resolves when the action may be asked for again. The lease bounds how long it goes on without an
 * answer of the server.
 *
 * @param signal of the caller's, which ends the wait
 * @throws {ActionBlocked} when it was rejected, or nobody came in time
 * @throws {SessionTerminated} at once, when the session is over
 * @throws {KillcordError} when the server will not tell it
 */
export async function untilApproved(
  run: Run,
  escalated: ActionEscalated,
  signal: AbortSignal | undefined,
): Promise<void> {
  let answer: Answer;
  try {
    answer = await run.race((ending) => answerTo(run.connection, escalated.escalationId, ending), signal);
  } catch (error) {
    // A revoked credential is told of its stop, and of nothing else: ask for that.
    if (error instanceof AccessDenied) await run.lifeline.ask();
    run.guardStop();
    throw error;
  }
  if (answer.status === EscalationStatus.APPROVED) return;
  throw new ActionBlocked({ ...escalated, reasoning: refusalText(answer), nextStep: nextStep(answer) });
}

async function answerTo(connection: Connection, escalation_id: string, signal: AbortSignal): Promise<Answer> {
  const { clock, random } = connection.platform;
  let streams = true;
  for (let tries = 1; ; tries += 1) {
    const told = streams ? await watched(connection, escalation_id, signal) : null;
    if (told !== null && told !== "impossible") return told;
    if (told === "impossible") streams = false;
    signal.throwIfAborted();
    const asked = await status(connection, escalation_id, signal);
    if (asked !== null) return asked;
    await sleep(clock, streams ? Math.min(backoffMs(random, tries), poll_ms) : poll_ms);
    signal.throwIfAborted();
  }
}

/** @returns null when the watch ended without an answer; impossible when none comes through */
async function watched(
  connection: Connection,
  escalation_id: string,
  signal: AbortSignal,
): Promise<Answer | "impossible" | null> {
  const { services } = connection;
  const { clock } = connection.platform;
  const ending = new AbortController();
  const end = () => ending.abort();
  let heard = false;
  let silence = clock.after(first_ms, end);
  signal.addEventListener("abort", end);
  try {
    const options = { signal: ending.signal, timeoutMs: 0 };
    const watch = services.escalations.watchEscalations({ escalationIds: [escalation_id] }, options);
    for await (const { update } of watch) {
      heard = true;
      silence.cancel();
      silence = clock.after(silence_ms, end);
      connection.answered();
      if (update.case !== "escalation" || update.value.status === EscalationStatus.PENDING) continue;
      return { status: update.value.status, reason: update.value.resolutionReason ?? "" };
    }
    return null;
  } catch (thrown) {
    if (signal.aborted) return null;
    const failure = callError(thrown);
    // Whoever does not let it through may let a question through; and that says what is refused.
    if (failureKind(failure) !== "passing" || (ending.signal.aborted && !heard)) return "impossible";
    passed(connection, services, failure);
    return null;
  } finally {
    silence.cancel();
    signal.removeEventListener("abort", end);
    end();
  }
}

/** @returns null while nobody has answered, or the server does not */
async function status(
  connection: Connection,
  escalation_id: string,
  signal: AbortSignal,
): Promise<Answer | null> {
  const { services } = connection;
  try {
    const { escalation } = await services.escalations.getEscalationStatus(
      { escalationId: escalation_id },
      { timeoutMs: status_ms, signal },
    );
    connection.answered();
    if (escalation === undefined || escalation.status === EscalationStatus.PENDING) return null;
    return { status: escalation.status, reason: escalation.resolutionReason ?? "" };
  } catch (thrown) {
    if (signal.aborted) return null;
    const failure = callError(thrown);
    if (failureKind(failure) !== "passing") throw toldFailure(failure, connection.url);
    passed(connection, services, failure);
    return null;
  }
}

/** Another try may go better. */
function passed(connection: Connection, services: Services, failure: ConnectError): void {
  connection.failing(failure);
  connection.suspect(services, failure);
}

function refusalText({ status, reason }: Answer): string {
  const why = reason === "" ? "" : `: ${reason}`;
  switch (status) {
    case EscalationStatus.REJECTED:
      return `a person has rejected it${why}`;
    case EscalationStatus.EXPIRED:
      return `nobody approved it in time${why}`;
    default:
      return `its approval came to ${status}, which this version of the library does not know`;
  }
}

function nextStep({ status }: Answer): string {
  return status === EscalationStatus.REJECTED
    ? "leave this action out, or ask the person who rejected it"
    : "ask for it again if it is still wanted";
}
