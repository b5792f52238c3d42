/** HaltService: orders on whole scopes, and what became of them. */

import {
  HaltMode,
  type HaltRequest,
  HaltRequestSchema,
  type HaltService,
  type LiftHaltRequest,
  type ListHaltsRequest,
  ScopeKind,
} from "../../gen/killcord/v1/halt_pb.js";
import type { Scope } from "../core/event-halt.js";
import type { HaltRow } from "../engine/projection.js";
import { by, type Context, keep, submit } from "./context.js";
import type { Call } from "./door.js";
import { drillView } from "./drill-view.js";
import { KillcordError } from "./errors.js";
import { getHalt } from "./get-halt.js";
import { haltNamed, haltView, kinds, statusOf } from "./halt-view.js";
import type { Handlers } from "./handlers.js";
import { cut, matching, pageOf } from "./page.js";
import { invalid } from "./validate.js";

export function haltService(context: Context): Handlers<typeof HaltService> {
  return {
    halt: (request, call) => orderHalt(context, request, call),
    liftHalt: (request, call) => liftHalt(context, request, call),
    listHalts: (request) => listHalts(context, request),
    getHalt: (request) => getHalt(context, request),
    drill: async ({ agentId }, call) => {
      if (context.rehearsals === undefined) {
        throw new KillcordError("unavailable", "this server has no port of its own to rehearse on");
      }
      return { drill: drillView(await context.rehearsals.run(call, agentId ?? "killcord-drill")) };
    },
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
