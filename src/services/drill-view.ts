/** Drills as messages. */
import { create } from "@bufbuild/protobuf";
import { type Drill, DrillOutcome, DrillSchema } from "../../gen/killcord/v1/halt_pb.js";
import type { Rehearsed } from "./rehearsal.js";
import { given } from "./view.js";

export function drillView(drill: Rehearsed): Drill {
  const { requested, delivered, acknowledged, confirmed } = drill.elapsed_ms;
  return create(DrillSchema, {
    drillId: drill.drill_id,
    outcome: drill.outcome === "confirmed" ? DrillOutcome.CONFIRMED : DrillOutcome.UNCONFIRMED,
    vaultEntryId: drill.entry_id,
    ...given("sessionId", drill.session_id),
    ...given("haltId", drill.halt_id),
    ...given("requestedMs", rounded(requested)),
    ...given("deliveredMs", rounded(delivered)),
    ...given("acknowledgedMs", rounded(acknowledged)),
    ...given("confirmedMs", rounded(confirmed)),
    ...given("failure", drill.failure?.message),
  });
}

/** To the microsecond: the clock's further digits mean nothing. */
function rounded(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms * 1000) / 1000;
}
