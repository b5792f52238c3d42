/**
 * Figures for Prometheus. What happens often is counted in plain numbers, and becomes a metric when
 * somebody reads; no label is an id, so that their number is bounded. Counts begin at each start.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Command } from "../core/command.js";
import type { Event } from "../core/event.js";
import type { Engine } from "../engine/engine.js";
import type { Observer } from "../engine/observer.js";
import type { CountRefusal } from "./call-log.js";
import { addCheckpointGauges, type CheckpointFigures } from "./checkpoint-metrics.js";
import type { Reason } from "./door.js";
import type { PolicyFilesState } from "./policy-files.js";
import { addPolicyGauges } from "./policy-metrics.js";
import { createWebhookMetrics, type WebhookMetrics } from "./webhook-metrics.js";

/** What is read when somebody asks, and not counted. */
export interface Measured {
  readonly engine: Engine;
  /** Sealed entries. */
  readonly logEntries: () => number;
  readonly unready: () => readonly Reason[];
  readonly checkpoints: () => CheckpointFigures;
  /** Open sockets, and streaming calls under way. */
  readonly connections: () => number;
  readonly streams: () => number;
  /** Of the directory that policies are read from; null without one. */
  readonly policyFiles: () => PolicyFilesState | null;
}

export interface Metrics {
  readonly observer: Observer;
  readonly countRefusal: CountRefusal;
  readonly webhooks: WebhookMetrics;
  /** Adds what can be measured once the parts are joined. */
  measure(measured: Measured): void;
  /** The text that Prometheus reads, and its content type. */
  read(): Promise<{ readonly content_type: string; readonly text: string }>;
}

/** Seconds: a write to a good disk takes less than a millisecond, one to a sick one seconds. */
const second_buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
/** From a stop to what its client does: milliseconds where it listens, the deadline and more where it hangs. */
const halt_buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const entry_buckets = [1, 2, 4, 8, 16, 32, 64, 128, 256];

/** Commands that stop sessions: how long those take is what a kill switch is measured by. */
const stopping: ReadonlySet<Command["type"]> = new Set<Command["type"]>([
  "kill_session",
  "order_halt",
  "pause_session",
  "end_session",
  "expire_session",
  "revoke_agent",
  "revoke_credential",
]);

export function createMetrics(version: string): Metrics {
  const register = new Registry();
  const registers = [register];
  collectDefaultMetrics({ register, prefix: "killcord_" });
  new Gauge({ name: "killcord_info", help: "1, with the version", labelNames: ["version"], registers }).set(
    { version },
    1,
  );
  const tallies = createTallies(registers);
  const writes = createWriteMetrics(registers);
  return {
    observer: {
      onSealed: (events) => {
        for (const event of events) {
          tallies.count(event);
        }
      },
      onHaltStep: createHaltMetrics(registers),
      ...writes,
    },
    countRefusal: tallies.refusals.add,
    webhooks: createWebhookMetrics(registers),
    measure: (measured) => addGauges(registers, measured),
    read: async () => ({ content_type: register.contentType, text: await register.metrics() }),
  };
}

/** A counter that is added to in plain numbers: labels become text only when somebody reads. */
interface Tally<Labels extends readonly string[]> {
  readonly add: (...labels: Labels) => void;
}

function tally<Labels extends readonly string[]>(
  registers: Registry[],
  name: string,
  help: string,
  labels: readonly string[],
): Tally<Labels> {
  const counts = new Map<string, { readonly labels: Labels; count: number }>();
  new Counter({
    name,
    help,
    labelNames: [...labels],
    registers,
    collect() {
      this.reset();
      for (const { labels: values, count } of counts.values()) {
        this.inc(Object.fromEntries(labels.map((label, i) => [label, values[i] as string])), count);
      }
    },
  });
  return {
    add: (...values) => {
      const key = values.join("\0");
      const found = counts.get(key);
      if (found === undefined) {
        counts.set(key, { labels: values, count: 1 });
      } else {
        found.count += 1;
      }
    },
  };
}

function createTallies(registers: Registry[]) {
  const decisions = tally<[string]>(registers, "killcord_decisions_total", "Sealed decisions", ["verdict"]);
  const starts = tally<[]>(registers, "killcord_sessions_started_total", "Sessions opened", []);
  const stops = tally<[string, string]>(
    registers,
    "killcord_sessions_stopped_total",
    "Sessions that became terminal",
    ["status", "reason"],
  );
  const leases = tally<[string]>(
    registers,
    "killcord_leases_lost_total",
    "Leases that were lost, by what becomes of the session",
    ["outcome"],
  );
  const unconfirmed = tally<[string]>(
    registers,
    "killcord_halts_unconfirmed_total",
    "Stops of sessions that nobody confirmed before the deadline",
    ["why"],
  );
  const drills = tally<[string]>(registers, "killcord_drills_total", "Drills that were run", ["outcome"]);
  const refusals = tally<Parameters<CountRefusal>>(
    registers,
    "killcord_refusals_total",
    "Calls that were refused, failed or left",
    ["door", "code"],
  );
  let drill_confirmed_at = 0;
  new Gauge({
    name: "killcord_drill_last_confirmed_timestamp_seconds",
    help: "When a drill was confirmed last, 0 for not since the start",
    registers,
    collect() {
      this.set(drill_confirmed_at / 1000);
    },
  });
  const count = (event: Event): void => {
    switch (event.event) {
      case "enforcement_decision":
        decisions.add(event.decision);
        return;
      case "session_started":
        starts.add();
        return;
      case "lease_lost":
        leases.add(event.on_lease_lost);
        return;
      case "session_killed":
      case "session_expired":
        stops.add(event.event.slice("session_".length), event.stop_reason);
        return;
      case "session_ended":
        stops.add("ended", "ended");
        return;
      case "drill_ended":
        drills.add(event.outcome);
        if (event.outcome === "confirmed") {
          drill_confirmed_at = event.at;
        }
        return;
      case "halt_unconfirmed":
        unconfirmed.add(event.why);
        return;
      default:
    }
  };
  return { count, refusals };
}

function createHaltMetrics(registers: Registry[]): Observer["onHaltStep"] {
  const steps = new Histogram({
    name: "killcord_halt_seconds",
    help: "From the seal of a session's stop until its client was handed it, said STOPPING, said STOPPED",
    labelNames: ["step"],
    buckets: halt_buckets,
    registers,
  });
  return (step, elapsed_ms) => steps.observe({ step }, elapsed_ms / 1000);
}

function createWriteMetrics(registers: Registry[]): Pick<Observer, "onWrite" | "onStopSealed"> {
  const sizes = new Histogram({
    name: "killcord_write_entries",
    help: "Entries of one durable write",
    buckets: entry_buckets,
    registers,
  });
  const durations = new Histogram({
    name: "killcord_write_duration_seconds",
    help: "From the begin of a write until it is durable",
    buckets: second_buckets,
    registers,
  });
  const stops = new Histogram({
    name: "killcord_stop_sealed_duration_seconds",
    help: "From a stop's arrival until all of it is durable",
    labelNames: ["command"],
    buckets: second_buckets,
    registers,
  });
  return {
    onWrite: (entries, duration_ms) => {
      sizes.observe(entries);
      durations.observe(duration_ms / 1000);
    },
    onStopSealed: (command, duration_ms) => {
      if (stopping.has(command)) {
        stops.observe({ command }, duration_ms / 1000);
      }
    },
  };
}

function addGauges(registers: Registry[], { engine, ...measured }: Measured): void {
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });
  gauge("killcord_ready", "1 while commands are taken", () => (measured.unready().length === 0 ? 1 : 0));
  gauge("killcord_log_entries", "Sealed entries of the log", measured.logEntries);
  addPolicyGauges(registers, engine, measured.policyFiles);
  addCheckpointGauges(registers, measured.checkpoints);
  gauge("killcord_connections", "Open sockets", measured.connections);
  gauge("killcord_streams", "Streaming calls under way", measured.streams);
  gauge("killcord_watchers", "Watches of sessions and of the log under way", () => engine.follower.watchers);
  gauge(
    "killcord_agents",
    "Agents that were registered or named by a session",
    () => engine.projection.state.agents.size,
  );
  new Gauge({
    name: "killcord_sessions",
    help: "Live sessions",
    labelNames: ["status"],
    registers,
    collect() {
      this.reset();
      const { live_sessions, paused_sessions } = engine.projection.state;
      this.set({ status: "active" }, live_sessions - paused_sessions);
      this.set({ status: "paused" }, paused_sessions);
    },
  });
  new Gauge({
    name: "killcord_queue_commands",
    help: "Commands that wait for the disk",
    labelNames: ["lane"],
    registers,
    collect() {
      for (const [lane, count] of Object.entries(engine.queued)) {
        this.set({ lane }, count);
      }
    },
  });
}
