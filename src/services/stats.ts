/** GetStats: figures of sealed facts. */
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { GetStatsRequest } from "../../gen/killcord/v1/enforcement_pb.js";
import type { Key } from "../core/state.js";
import { figure_step_ms, type Owner } from "../engine/figures.js";
import type { Projection } from "../engine/projection.js";
import { limits } from "../limits.js";
import { type Context, callerKey } from "./context.js";
import type { Call } from "./door.js";
import { sightOf } from "./own.js";

/** Shows the figures of the workspace; those of its own to an agent. */
export async function getStats(context: Context, { since }: GetStatsRequest, call: Call) {
  const { projection, clock } = context.engine;
  const asked = since === undefined ? clock.now() - limits.stats_since_ms : timestampMs(since);
  const from = Math.max(0, Math.floor(asked / figure_step_ms) * figure_step_ms);
  const own = call.principal.role === "agent" ? callerKey(context, call) : null;
  const sees = sightOf(context, call);
  const figures = await projection.figures.since(from, ownersOf(own));
  const { allow, block, escalate, terminate, latency_us, killed, expired, ended } = figures;
  const total = allow + block + escalate + terminate;
  return {
    since: timestampFromMs(from),
    decisions: counts({ total, allow, block, escalate, terminate }),
    blockRate: rounded(block / Math.max(total, 1), 4),
    averageLatencyMs: rounded(latency_us / 1000 / Math.max(total, 1), 3),
    agents: counts(agentsNow(projection, own)),
    sessions: counts({ ...sessionsNow(projection, sees), killed, expired, ended }),
  };
}

/** A key without an agent and those that it was made of by rotation are one caller. */
function ownersOf(own: Key | null): readonly Owner[] {
  if (own === null) {
    return [{ kind: "all" }];
  }
  const { agent_id, line } = own;
  return agent_id === null ? line.map((key_id) => ({ kind: "key", key_id })) : [{ kind: "agent", agent_id }];
}

/** An agent counts itself; a key without one has no agent of its own. */
function agentsNow({ state }: Projection, own: Key | null): { total: number; active: number } {
  const figures = { total: 0, active: 0 };
  for (const { agent_id, revoked } of state.agents.values()) {
    if (own === null || own.agent_id === agent_id) {
      figures.total += 1;
      figures.active += revoked === null ? 1 : 0;
    }
  }
  return figures;
}

function sessionsNow(
  { state }: Projection,
  sees: ReturnType<typeof sightOf>,
): { active: number; paused: number } {
  const figures = { active: 0, paused: 0 };
  for (const session of state.sessions.values()) {
    if (session.stop === null && sees(session)) {
      figures[session.pause === null ? "active" : "paused"] += 1;
    }
  }
  return figures;
}

function counts<Name extends string>(figures: Record<Name, number>): Record<Name, bigint> {
  const entries = Object.entries<number>(figures).map(([name, count]) => [name, BigInt(count)]);
  return Object.fromEntries(entries) as Record<Name, bigint>;
}

function rounded(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
