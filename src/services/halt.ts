/** HaltService: orders on whole scopes, and what became of them. */

import { create } from "@bufbuild/protobuf";
import {
  type Halt,
  HaltMode,
  type HaltRequest,
  HaltRequestSchema,
  HaltSchema,
  HaltScopeSchema,
  type HaltService,
  HaltStatus,
  type LiftHaltRequest,
  type ListHaltsRequest,
  ScopeKind,
} from "../../gen/killcord/v1/halt_pb.js";
import type { Event } from "../core/event.js";
import type { Scope } from "../core/event-halt.js";
import { idAt, sequenceOf } from "../core/ids.js";
import { fromContent } from "../engine/content.js";
import type { HaltRow } from "../engine/projection.js";
import { by, type Context, keep, submit } from "./context.js";
import type { Call } from "./door.js";
import { KillcordError } from "./errors.js";
import type { Handlers } from "./handlers.js";
import { cut, matching, pageOf } from "./page.js";
import { invalid } from "./validate.js";
import { given, timestamp } from "./view.js";

export function haltService(context: Context): Handlers<typeof HaltService> {
  return {
    halt: (request, call) => orderHalt(context, request, call),
    liftHalt: (request, call) => liftHalt(context, request, call),
    listHalts: (request) => listHalts(context, request),
  };
}

async function orderHalt(context: Context, request: HaltRequest, call: Call) {
  const { repeat, request: text } = keep(HaltRequestSchema, request, "Halt", []);
  const { reply } = await submit(
    context,
    call,
    {
      type: "order_halt",
      scope: scopeAsked(context, request.scope),
      mode: request.mode === HaltMode.PAUSE ? "pause" : "kill",
      reason: request.reason || "halted by operator",
      drill_id: null,
      repeat,
      ...by(call),
    },
    "halt",
    { request: text },
  );
  return { halt: await haltNamed(context, reply.halt_id) };
}

async function liftHalt(context: Context, { haltId, reason }: LiftHaltRequest, call: Call) {
  const { reply } = await submit(
    context,
    call,
    { type: "lift_halt", halt_id: haltId, reason: reason || "lifted by operator", ...by(call) },
    "halt",
  );
  return { halt: await haltNamed(context, reply.halt_id) };
}

async function listHalts(context: Context, request: ListHaltsRequest) {
  const { projection } = context.engine;
  const page = pageOf(request, `halts|${request.status ?? ""}`);
  const wanted = (row: HaltRow) => request.status === undefined || statusOf(context, row) === request.status;
  const { rows, ...rest } = await cut(
    page,
    matching(projection.halts(projection.size), wanted),
    (row, place) => row.sequence < Number(place),
    (row) => String(row.sequence),
  );
  return { halts: await Promise.all(rows.map((row) => haltView(context, row))), ...rest };
}

/** @throws {KillcordError} invalid_argument: nothing is named, or another workspace */
function scopeAsked({ engine }: Context, scope: HaltRequest["scope"]): Scope {
  const { workspace_id } = engine.state;
  const kind = kinds[scope?.kind ?? ScopeKind.UNSPECIFIED];
  const id = scope?.id ?? "";
  if (kind === null) {
    throw invalid([{ field: "scope.kind", issue: "what is to be stopped" }]);
  }
  if (kind !== "workspace") {
    if (id === "") {
      throw invalid([{ field: "scope.id", issue: `which ${kind}` }]);
    }
    return { kind, id };
  }
  if (id !== "" && id !== workspace_id) {
    throw invalid([{ field: "scope.id", issue: "this is another workspace: leave it out" }]);
  }
  return { kind, id: workspace_id };
}

const kinds: Readonly<Record<ScopeKind, Scope["kind"] | null>> = {
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

/** A halt by its id. @throws {KillcordError} halt_not_found */
async function haltNamed(context: Context, halt_id: string): Promise<Halt> {
  const sequence = sequenceOf("halt", halt_id);
  const row = sequence === null ? null : await context.engine.projection.halt(sequence);
  if (row === null) {
    throw new KillcordError(
      "halt_not_found",
      `there is no halt ${JSON.stringify(halt_id.slice(0, 64))} in this workspace`,
    );
  }
  return haltView(context, row);
}

/** One that is neither lifted nor in force was an order on a session that has stopped. */
function statusOf({ engine }: Context, { sequence, lifted_sequence }: HaltRow): HaltStatus {
  if (lifted_sequence !== null) {
    return HaltStatus.LIFTED;
  }
  return engine.projection.state.halts.has(idAt("halt", sequence)) ? HaltStatus.IN_FORCE : HaltStatus.OVER;
}

/** A halt as it is sealed. */
async function haltView(context: Context, row: HaltRow): Promise<Halt> {
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

/** Reads an event back from the log. */
async function sealed<Name extends Event["event"]>(
  { vault }: Context,
  sequence: number,
  name: Name,
): Promise<{ readonly event: Extract<Event, { event: Name }>; readonly entry_id: string }> {
  const entry = await vault.entry(sequence);
  const event = entry === null ? null : fromContent(entry.content, entry.details, sequence);
  if (entry === null || event?.event !== name) {
    throw new Error(`entry ${sequence} is no ${name}`);
  }
  return { event: event as Extract<Event, { event: Name }>, entry_id: entry.entry_id };
}
