/** Stops as messages. */
import { create } from "@bufbuild/protobuf";
import {
  type Halt,
  type HaltFigures,
  HaltFiguresSchema,
  HaltMode,
  HaltSchema,
  HaltScopeSchema,
  HaltStatus,
  ScopeKind,
} from "../../gen/killcord/v1/halt_pb.js";
import type { Event } from "../core/event.js";
import type { HaltMode as HaltModeSealed, Scope } from "../core/event-halt.js";
import { idAt, sequenceOf } from "../core/ids.js";
import { fromContent } from "../engine/content.js";
import type { HaltRow } from "../engine/projection.js";
import type { Context } from "./context.js";
import { KillcordError } from "./errors.js";
import { given, timestamp } from "./view.js";

export const kinds: Readonly<Record<ScopeKind, Scope["kind"] | null>> = {
  [ScopeKind.UNSPECIFIED]: null,
  [ScopeKind.SESSION]: "session",
  [ScopeKind.AGENT]: "agent",
  [ScopeKind.CREDENTIAL]: "credential",
  [ScopeKind.LABEL]: "label",
  [ScopeKind.WORKSPACE]: "workspace",
};

function kindOf(scope: Scope): ScopeKind {
  const found = Object.entries(kinds).find(([, kind]) => kind === scope.kind);
  return Number(found?.[0] ?? ScopeKind.UNSPECIFIED);
}

/** An order by its id. @throws {KillcordError} halt_not_found */
export async function haltNamed(context: Context, halt_id: string): Promise<Halt> {
  const sequence = sequenceOf("halt", halt_id);
  if (sequence === null || sequence >= context.engine.projection.size) {
    throw haltUnknown(halt_id);
  }
  const row = await context.engine.projection.halt(sequence);
  if (row !== null) {
    return haltView(context, row);
  }
  const { event } = await sealedEvent(context, sequence);
  throw isOwnStop(event, halt_id) ? haltNotOrdered(halt_id, event) : haltUnknown(halt_id);
}

/** The stop or the pause of one session that nobody ordered. */
export type OwnStop = Extract<Event, { event: "session_killed" | "session_expired" | "session_paused" }>;

export function isOwnStop(event: Event, halt_id: string): event is OwnStop {
  const { event: name } = event;
  const stops = name === "session_killed" || name === "session_expired" || name === "session_paused";
  return stops && event.halt_id === halt_id;
}

function haltNotOrdered(halt_id: string, { event, session_id }: OwnStop): KillcordError {
  const what =
    event === "session_paused"
      ? `it holds the session ${JSON.stringify(session_id)} alone: resume that`
      : `the session ${JSON.stringify(session_id)} has stopped by itself, for good`;
  return new KillcordError("halt_not_found", `nobody ordered ${JSON.stringify(halt_id)}: ${what}`);
}

export function haltUnknown(halt_id: string): KillcordError {
  const shown = JSON.stringify(halt_id.slice(0, 64));
  return new KillcordError("halt_not_found", `there is no halt ${shown} in this workspace`);
}

/** One that is neither lifted nor in force was an order on a session that has stopped. */
export function statusOf({ engine }: Context, { sequence, lifted_sequence }: HaltRow): HaltStatus {
  if (lifted_sequence !== null) {
    return HaltStatus.LIFTED;
  }
  return engine.projection.state.halts.has(idAt("halt", sequence)) ? HaltStatus.IN_FORCE : HaltStatus.OVER;
}

/** A halt as it is sealed. */
export async function haltView(context: Context, row: HaltRow): Promise<Halt> {
  const { event, entry_id } = await sealed(context, row.sequence, "halt_requested");
  const lifted =
    row.lifted_sequence === null ? null : await sealed(context, row.lifted_sequence, "halt_lifted");
  return create(HaltSchema, {
    haltId: event.halt_id,
    scope: create(HaltScopeSchema, { kind: kindOf(event.scope), id: event.scope.id }),
    mode: event.mode === "kill" ? HaltMode.KILL : HaltMode.PAUSE,
    reason: event.reason,
    status: statusOf(context, row),
    requestedAt: timestamp(event.at),
    figures: await figuresOf(context, event.halt_id, event.mode),
    vaultEntryId: entry_id,
    ...given("requestedBy", event.actor.key_id),
    ...given("drillId", event.drill_id),
    ...(lifted === null
      ? {}
      : {
          liftedAt: timestamp(lifted.event.at),
          liftReason: lifted.event.reason,
          ...given("liftedBy", lifted.event.actor.key_id),
        }),
  });
}

/**
 * How many sessions of a stop are how far: what is sealed, and what was handed to clients since.
 *
 * @param mode who is held is waited for by nobody
 */
export async function figuresOf(
  { engine }: Context,
  halt_id: string,
  mode: HaltModeSealed,
): Promise<HaltFigures> {
  const sealed = await engine.projection.halt_parts.counts(halt_id);
  const { requested, acknowledged, confirmed, unconfirmed } = sealed;
  // What is handed over is counted beside what is sealed: between the two looks one may have become the other.
  const delivered = Math.min(sealed.delivered + engine.halts.delivered(halt_id), requested);
  return create(HaltFiguresSchema, {
    requested: BigInt(requested),
    delivered: BigInt(delivered),
    acknowledged: BigInt(acknowledged),
    confirmed: BigInt(confirmed),
    unconfirmed: BigInt(unconfirmed),
    pending: mode === "pause" ? 0n : BigInt(requested - confirmed - unconfirmed),
  });
}

/** Reads an event back from the log. */
export async function sealedEvent(
  { vault }: Context,
  sequence: number,
): Promise<{ readonly event: Event; readonly entry_id: string }> {
  const entry = await vault.entry(sequence);
  if (entry === null) {
    throw new Error(`there is no entry ${sequence}`);
  }
  return { event: fromContent(entry.content, entry.details, sequence), entry_id: entry.entry_id };
}

async function sealed<Name extends Event["event"]>(
  context: Context,
  sequence: number,
  name: Name,
): Promise<{ readonly event: Extract<Event, { event: Name }>; readonly entry_id: string }> {
  const { event, entry_id } = await sealedEvent(context, sequence);
  if (event.event !== name) {
    throw new Error(`entry ${sequence} is no ${name}`);
  }
  return { event: event as Extract<Event, { event: Name }>, entry_id };
}
