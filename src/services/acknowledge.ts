/** Takes a client's word on its stop or its pause: that it is stopping, that it has stopped. */
import { HaltEvidence, HaltPhase } from "../../gen/killcord/v1/session_pb.js";
import type { HaltEvidence as SealedEvidence } from "../core/event-halt.js";
import { by, type Context, submit } from "./context.js";
import type { Call } from "./door.js";
import { invalid } from "./validate.js";

/** An acknowledgement, however it came. */
export interface Acknowledgement {
  readonly sessionId: string;
  readonly haltId: string;
  readonly phase: HaltPhase;
  readonly evidence: HaltEvidence;
  /** Whether it comes from who watches over the run from outside. */
  readonly supervisor: boolean;
}

/**
 * Seals it, unless it is sealed already. What is sealed as its way is the stream that it came by, or
 * by what this server first handed the stop to the client; where it never did, whoever speaks heard
 * of it elsewhere and stands beside the run.
 *
 * @throws {KillcordError} halt_not_found, session_not_stopped, those of any call on a session
 */
export async function acknowledge(
  context: Context,
  call: Call,
  { sessionId, haltId, phase, evidence, supervisor }: Acknowledgement,
  by_stream: boolean,
): Promise<void> {
  const delivery = context.engine.halts.delivery(sessionId, haltId);
  await submit(
    context,
    call,
    {
      type: "acknowledge_halt",
      session_id: sessionId,
      halt_id: haltId,
      evidence: evidenceOf(phase, evidence),
      via: supervisor ? "supervisor" : by_stream ? "stream" : (delivery?.via ?? "supervisor"),
      delivered_at: delivery?.at ?? null,
      ...by(call),
    },
    "session",
  );
}

function evidenceOf(phase: HaltPhase, evidence: HaltEvidence): SealedEvidence | null {
  const given = sealed[evidence];
  if (phase === HaltPhase.STOPPED && given === null) {
    throw invalid([
      { field: "evidence", issue: "STOPPED needs one: how is it known that the run has ended" },
    ]);
  }
  if (phase === HaltPhase.STOPPING && given !== null) {
    throw invalid([{ field: "evidence", issue: "goes with STOPPED only" }]);
  }
  return given;
}

/** The API's word for each evidence that is sealed. */
export const evidences = {
  none: HaltEvidence.UNSPECIFIED,
  tasks_cancelled: HaltEvidence.TASKS_CANCELLED,
  process_exit: HaltEvidence.PROCESS_EXIT,
  group_empty: HaltEvidence.GROUP_EMPTY,
} as const;

const sealed: Readonly<Record<HaltEvidence, SealedEvidence | null>> = {
  [HaltEvidence.UNSPECIFIED]: null,
  [HaltEvidence.TASKS_CANCELLED]: "tasks_cancelled",
  [HaltEvidence.PROCESS_EXIT]: "process_exit",
  [HaltEvidence.GROUP_EMPTY]: "group_empty",
};
