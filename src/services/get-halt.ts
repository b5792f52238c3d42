/** GetHalt: one stop by its id, an order's or a session's own, and how far each of its sessions is. */
import { create } from "@bufbuild/protobuf";
import {
  type GetHaltRequest,
  type Halt,
  HaltMode,
  HaltSchema,
  HaltScopeSchema,
  type HaltSession,
  HaltSessionSchema,
  HaltStatus,
  HaltStep,
  HaltVia,
  ScopeKind,
  UnconfirmedWhy,
} from "../../gen/killcord/v1/halt_pb.js";
import { sequenceOf } from "../core/ids.js";
import { expiryReason } from "../core/stop.js";
import type { HaltPart } from "../engine/halt-parts.js";
import { evidences } from "./acknowledge.js";
import type { Context } from "./context.js";
import { figuresOf, haltUnknown, haltView, isOwnStop, type OwnStop, sealedEvent } from "./halt-view.js";
import { pageOf, tokenAfter } from "./page.js";
import { given, stopReasonOf, timestamp } from "./view.js";

/** @throws {KillcordError} halt_not_found; invalid_argument for a token of another list */
export async function getHalt(context: Context, request: GetHaltRequest) {
  const { haltId } = request;
  const page = pageOf(request, `halt|${haltId}`);
  const halt = await haltOf(context, haltId);
  const { halt_parts } = context.engine.projection;
  const shown: (readonly [number, HaltPart])[] = [];
  let passed = 0;
  // Reads no further than the page: a stop may name many thousands.
  for await (const part of halt_parts.parts(haltId, page.after === null ? -1 : Number(page.after))) {
    passed += 1;
    if (passed > page.skip + page.size) {
      break;
    }
    if (passed > page.skip) {
      shown.push(part);
    }
  }
  const last = shown.at(-1);
  const is_more = last !== undefined && passed > page.skip + page.size;
  return {
    halt,
    sessions: shown.map(([, part]) => sessionView(context, haltId, part)),
    total: halt.figures?.requested ?? 0n,
    ...(is_more ? { nextPageToken: tokenAfter(page, String(last[0])) } : {}),
  };
}

async function haltOf(context: Context, halt_id: string): Promise<Halt> {
  const sequence = sequenceOf("halt", halt_id);
  if (sequence === null || sequence >= context.engine.projection.size) {
    throw haltUnknown(halt_id);
  }
  const row = await context.engine.projection.halt(sequence);
  return row === null ? stopOf(context, halt_id, sequence) : haltView(context, row);
}

/** The stop or the pause of one session that nobody ordered. */
async function stopOf(context: Context, halt_id: string, sequence: number): Promise<Halt> {
  const { event, entry_id } = await sealedEvent(context, sequence);
  if (!isOwnStop(event, halt_id)) {
    throw haltUnknown(halt_id);
  }
  const mode = event.event === "session_paused" ? "pause" : "kill";
  return create(HaltSchema, {
    haltId: halt_id,
    scope: create(HaltScopeSchema, { kind: ScopeKind.SESSION, id: event.session_id }),
    mode: mode === "pause" ? HaltMode.PAUSE : HaltMode.KILL,
    reason: await reasonOf(context, event),
    status: HaltStatus.NO_ORDER,
    requestedAt: timestamp(event.at),
    figures: await figuresOf(context, halt_id, mode),
    vaultEntryId: entry_id,
  });
}

async function reasonOf({ engine }: Context, event: OwnStop): Promise<string> {
  if (event.event !== "session_expired") {
    return event.reason;
  }
  const session = await engine.projection.session(event.session_id);
  return session === null ? event.stop_reason : expiryReason(session, event.stop_reason);
}

function sessionView({ engine }: Context, halt_id: string, part: HaltPart): HaltSession {
  const { progress } = part;
  const handed = engine.halts.delivery(part.session_id, halt_id);
  const time = (at: number | null | undefined) => (at == null ? null : timestamp(at));
  return create(HaltSessionSchema, {
    sessionId: part.session_id,
    step: stepOf(part, handed !== null),
    stopReason: stopReasonOf(part.stop_reason),
    requestedAt: timestamp(part.requested_at),
    via: vias[progress.via ?? handed?.via ?? "none"],
    evidence: evidences[progress.evidence ?? "none"],
    unconfirmedWhy: whys[progress.unconfirmed_why ?? "none"],
    ...given("agentId", part.agent_id),
    ...given("deliveredAt", time(progress.delivered_at ?? handed?.at)),
    ...given("acknowledgedAt", time(progress.acknowledged_at)),
    ...given("confirmedAt", time(progress.confirmed_at)),
    ...given("unconfirmedAt", time(progress.unconfirmed_at)),
    ...given("acknowledgedBy", progress.acknowledged_by),
    ...given("confirmedBy", progress.confirmed_by),
  });
}

function stepOf({ progress }: HaltPart, is_handed: boolean): HaltStep {
  if (progress.confirmed_at !== null) {
    return HaltStep.CONFIRMED;
  }
  if (progress.unconfirmed_at !== null) {
    return HaltStep.UNCONFIRMED;
  }
  if (progress.acknowledged_at !== null) {
    return HaltStep.ACKNOWLEDGED;
  }
  return is_handed || progress.delivered_at !== null ? HaltStep.DELIVERED : HaltStep.REQUESTED;
}

const vias = {
  none: HaltVia.UNSPECIFIED,
  stream: HaltVia.STREAM,
  heartbeat: HaltVia.HEARTBEAT,
  intercept: HaltVia.INTERCEPT,
  supervisor: HaltVia.SUPERVISOR,
} as const;

const whys = {
  none: UnconfirmedWhy.UNSPECIFIED,
  deadline: UnconfirmedWhy.DEADLINE,
  no_client: UnconfirmedWhy.NO_CLIENT,
} as const;
