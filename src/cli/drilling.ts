/** The drills of a server that serves: on whose port they run, by whose order, and when by themselves. */
import { Cron } from "croner";
import type { TlsIdentity } from "../rpc/tls.js";
import type { Log } from "../services/call-log.js";
import type { Context } from "../services/context.js";
import { Drills } from "../services/drill.js";
import { DrillKey } from "../services/drill-key.js";
import type { Rehearsals, Rehearsed } from "../services/rehearsal.js";
import { requestId } from "../services/request-id.js";
import { openDrillClient } from "./drill-client.js";

/** What a drill's client has to know of the port that is served. */
export interface OwnPort {
  readonly host: string;
  readonly port: number;
  /** What it shows of itself now; null in the clear. */
  readonly identity: () => TlsIdentity | null;
}

export function drillsOn(context: Context, { host, port, identity }: OwnPort, log: Log): Drills {
  const open = (secret: string) => {
    const shown = identity();
    return openDrillClient(`${shown === null ? "http" : "https"}://${reached(host)}:${port}`, secret, shown);
  };
  return new Drills(context, open, (drill) => tell(drill, log));
}

/** Where this machine reaches what listens on an address: on all of them is on its own. */
function reached(host: string): string {
  if (host === "0.0.0.0") {
    return "127.0.0.1";
  }
  return host === "::" ? "[::1]" : host.includes(":") ? `[${host}]` : host;
}

function tell(drill: Rehearsed, log: Log): void {
  const { drill_id, session_id, halt_id, elapsed_ms, failure } = drill;
  if (failure === null) {
    const rounded = Object.entries(elapsed_ms).map(([step, ms]) => [`${step}_ms`, Math.round(ms * 10) / 10]);
    log.info({ drill_id, ...Object.fromEntries(rounded) }, "a drill was confirmed");
  } else {
    const { missing, code } = failure;
    log.error({ drill_id, session_id, halt_id, missing, code }, "a drill was not confirmed");
  }
}

/**
 * Runs drills by a cron expression, in the time zone of the process, one at a time. They are ordered by a
 * key of role operator that is made for it and whose secret nobody has.
 *
 * @returns what ends it, and what runs one out of its turn
 */
export function scheduleDrills(
  pattern: string,
  { engine, vault }: Context,
  drills: Rehearsals,
  log: Log,
): { readonly end: () => void; readonly runNow: () => Promise<void> } {
  const key = new DrillKey(engine, vault.pepper, "killcord drill schedule", "operator");
  const run = async () => {
    try {
      const { key_id } = await key.get();
      await drills.run(
        {
          principal: { key_id, role: "operator" },
          request_id: requestId(null),
          signal: new AbortController().signal,
          reply_headers: new Headers(),
          received_ms: performance.now(),
          share: { hold: () => () => {}, turn: () => null },
        },
        "killcord-drill",
      );
    } catch (error) {
      log.error({ err: error }, "a drill could not be run");
    }
  };
  const job = new Cron(pattern, { mode: "5-part", protect: true, unref: true }, run);
  return { end: () => job.stop(), runNow: run };
}
