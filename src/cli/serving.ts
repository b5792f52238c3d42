/** Builds the server from its parts, and takes it down again in order. */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { destination, type Logger, pino } from "pino";
import type { ActionTextsOptions } from "../engine/action-texts.js";
import { Engine } from "../engine/engine.js";
import { limits } from "../limits.js";
import { withStaticLog } from "../rest/static-log.js";
import { createRestHandler } from "../rest/transcoder.js";
import type { Port } from "../rpc/port.js";
import { openServer, type Server } from "../rpc/server.js";
import { openStartingPort, type StartingPort } from "../rpc/starting.js";
import type { TlsIdentity } from "../rpc/tls.js";
import { createMetrics } from "../services/metrics.js";
import type { PolicyFiles } from "../services/policy-files.js";
import { given } from "../services/view.js";
import { openDoor } from "../services/workspace.js";
import { type LevelStore, openStoreIn } from "../vault/level.js";
import { openVault } from "../vault/start.js";
import { StartError } from "../vault/start-error.js";
import { openTextKey } from "../vault/text-key.js";
import type { Vault } from "../vault/vault.js";
import { Witnesses } from "../vault/witnesses.js";
import type { Webhooks } from "../webhooks/webhooks.js";
import { type AdminKey, ensureAdminKey } from "./admin-key.js";
import type { Config } from "./config.js";
import { drillsOn, scheduleDrills } from "./drilling.js";
import { CommandFailure } from "./failure.js";
import { packagedVersion } from "./packaged.js";
import { openMetricsPort, servedPages } from "./pages-served.js";
import { openPolicyFiles, policyWarnings } from "./policy-files.js";
import { expiryOf, readIdentity } from "./tls-files.js";
import { alsoTelling, openWebhooks, renewSecrets } from "./webhooks-served.js";
import { alarm, checkpointsOf, warningsOf } from "./witness-alarm.js";

/** Runs a server until a signal ends it. */
export async function serve(config: Config): Promise<void> {
  const log = pino({ level: config.log_level }, destination({ fd: 2, sync: true }));
  const opened = await openParts(config, log);
  const { vault, server, metrics_port, admin_key } = opened;
  const url = urlOf(config.tls === null ? "http" : "https", config.host, server.address.port);
  announce(url, admin_key);
  log.info({ url, data: config.data, origin: vault.origin, entries: vault.head().size }, "listening");
  if (config.ready_file !== null) {
    const metrics_url =
      metrics_port === null ? null : urlOf("http", metrics_port.address.host, metrics_port.address.port);
    const ready = { url, metrics_url, admin_key_file: admin_key.file, pid: process.pid };
    writeFileSync(config.ready_file, JSON.stringify(ready));
  }
  const stop = (signal: string) => {
    log.info({ signal }, "stopping");
    // Whatever keeps it: what was acknowledged is durable, and a supervisor would kill it soon.
    setTimeout(() => {
      log.fatal("the stop took too long: the next start replays the log");
      process.exit(1);
    }, limits.stop_ms).unref();
    takeDown(opened).then(
      () => process.exit(0),
      (error: unknown) => {
        log.fatal({ err: error }, "the stop failed: the next start replays the log");
        process.exit(1);
      },
    );
  };
  process.on("SIGHUP", () => {
    renewCertificate(config, opened, log);
    renewSecrets(config.webhooks, opened.webhooks, log);
  });
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
}

interface Parts {
  readonly vault: Vault;
  readonly engine: Engine;
  readonly server: Server;
  /** The port of the figures, if they have one of their own. */
  readonly metrics_port: Port | null;
  readonly admin_key: AdminKey;
  readonly identity: Identity;
  /** Null without any. */
  readonly webhooks: Webhooks | null;
  readonly endSchedule: () => void;
  /** Where policies are read from, if from files. */
  readonly policy_files: PolicyFiles | null;
}

/** The port is first: an address that can't be had is known before the log is replayed, and who asks meanwhile gets an answer. */
async function openParts(config: Config, log: Logger): Promise<Parts> {
  let opened: StartingPort | null = null;
  try {
    const { host, port } = config;
    const tls = config.tls === null ? null : readIdentity(config.tls);
    opened = await openStartingPort({ host, port, tls }).catch(cannotListen);
    return await joinParts(config, log, opened, { now: tls });
  } catch (error) {
    await opened?.close(0);
    throw startFailure(error);
  }
}

/** What the server shows of itself, which changes when the certificate is read anew. */
interface Identity {
  now: TlsIdentity | null;
}

async function joinParts(
  config: Config,
  log: Logger,
  opened: StartingPort,
  identity: Identity,
): Promise<Parts> {
  const store = openStoreIn(config.data);
  let engine: Engine | null = null;
  let webhooks: Webhooks | null = null;
  const witnesses = config.witnesses === null ? null : new Witnesses(config.witnesses, alarm(log));
  const vault = await openVault({
    directory: config.data,
    checkpoints: config.checkpoints ?? undefined,
    origin: config.origin ?? undefined,
    heartbeat_seconds: limits.heartbeat_seconds,
    journal: store.journal,
    now: Date.now,
    random: randomBytes,
    cosigning: witnesses ?? undefined,
    onWarning: (message) => log.warn(message),
    onPoisoned: (error) => (engine === null ? die(log, error) : engine.fail(error)),
  });
  const metrics = createMetrics(packagedVersion());
  engine = await Engine.open({
    log: vault,
    texts: await textsIn(config.data, store, vault.origin),
    observer: alsoTelling(metrics.observer, () => webhooks),
    rows: store.derived("projection"),
    heartbeat_seconds: limits.heartbeat_seconds,
    halt_confirm_ms: config.halt_confirm_seconds * 1000,
    escalation_ms: config.escalation_seconds * 1000,
    settle_timeout_ms: config.settle_timeout_seconds * 1000,
    onFatal: (error) => die(log, error),
  });
  const positions = store.derived("webhooks");
  webhooks = await openWebhooks(config.webhooks, { engine, vault, positions }, metrics.webhooks, log);
  const admin_key = await ensureAdminKey(engine, vault.pepper, config.data, config.bootstrap_key);
  const own_port = { host: config.host, port: opened.address.port, identity: () => identity.now };
  const rehearsals = drillsOn({ engine, vault }, own_port, log);
  const directory = config.policies;
  const policy_files = directory === null ? null : await openPolicyFiles(engine, directory, log);
  const door = openDoor({ engine, vault, rehearsals, ...given("policy_directory", directory) });
  const { countRefusal } = metrics;
  const file = (path: string) => vault.publication.file(path);
  const routes = createRestHandler(door, log, { countRefusal, pages: servedPages(metrics) });
  const rest = withStaticLog(routes, door, { file, is_public: config.public_log }, log, countRefusal);
  const { host, port, metrics_listen, reflection } = config;
  const cors_origins = new Set(config.cors_origins);
  const warnings = () => [...warningsOf(witnesses?.state ?? null), ...policyWarnings(policy_files)];
  const more = { cors_origins, countRefusal, reflection, warnings };
  const server = await openServer({ door, rest, host, port, opened, log, ...more });
  metrics.measure({
    engine,
    logEntries: () => vault.head().size,
    checkpoints: () => checkpointsOf(vault.publication, witnesses?.state ?? null),
    unready: server.unready,
    connections: server.connections,
    streams: server.streams,
    policyFiles: () => policy_files?.state ?? null,
  });
  const metrics_port =
    metrics_listen === null
      ? null
      : await openMetricsPort(metrics_listen, metrics, door, log).catch(cannotListen);
  const endSchedule =
    config.drill_schedule === null
      ? () => {}
      : scheduleDrills(config.drill_schedule, { engine, vault }, rehearsals, log).end;
  return { vault, engine, server, metrics_port, admin_key, identity, webhooks, endSchedule, policy_files };
}

/** Where texts of actions are kept while these wait for a person. */
async function textsIn(data: string, store: LevelStore, origin: string): Promise<ActionTextsOptions> {
  return { store: store.texts(), key: await openTextKey(join(data, "keys"), randomBytes), origin };
}

/** Reads the certificate anew, for the connections that begin from now on; one that is no good changes nothing. */
function renewCertificate(config: Config, { server, identity: shown }: Parts, log: Logger): void {
  if (config.tls === null) {
    log.info("SIGHUP does nothing without TLS");
    return;
  }
  try {
    const identity = readIdentity(config.tls);
    server.renew(identity);
    shown.now = identity;
    log.info({ valid_to: expiryOf(identity) }, "the certificate was read anew");
  } catch (error) {
    log.error({ err: error }, "the certificate was not read anew: the one before goes on");
  }
}

/** Callers under way are answered before the log is closed. */
async function takeDown(parts: Parts): Promise<void> {
  const { server, metrics_port, engine, vault, webhooks } = parts;
  parts.endSchedule();
  parts.policy_files?.end();
  engine.follower.end("draining");
  await server.close(limits.drain_ms);
  await metrics_port?.close(0);
  await engine.stop();
  await webhooks?.end(limits.webhook_grace_ms);
  await vault.close();
}

/**
 * What is on disk is unknown: whoever waits has been told so, and a restart replays what is there.
 * The exit waits only for those answers to leave.
 */
function die(log: Logger, error: Error): void {
  log.fatal({ err: error }, "the log cannot be written: nothing is allowed, restart to replay");
  process.exitCode = 1;
  setTimeout(() => process.exit(1), limits.fatal_exit_ms);
}

function cannotListen(error: Error): never {
  throw new CommandFailure("unavailable", 1, error.message);
}

function startFailure(error: unknown): unknown {
  if (error instanceof StartError) {
    return new CommandFailure(error.code, 1, error.message);
  }
  if (error instanceof Error && "code" in error && String(error.code).startsWith("LEVEL_")) {
    const message = `LevelDB can't read the store: ${error.message}. Keep it as it is and restore the newest backup.`;
    return new CommandFailure("start.damaged", 1, message);
  }
  return error;
}

function announce(url: string, admin_key: AdminKey): void {
  const lines = [`Killcord listens on ${url}`];
  if (admin_key.created && admin_key.secret !== null && admin_key.file !== null && process.stdout.isTTY) {
    lines.push(`Admin key   ${admin_key.secret}   (kept in ${admin_key.file})`);
  } else if (admin_key.file !== null) {
    lines.push(`Admin key   in ${admin_key.file}`);
  } else if (admin_key.created) {
    lines.push("Admin key   the one in KILLCORD_BOOTSTRAP_KEY");
  }
  process.stdout.write(`${lines.join("\n")}\n`);
}

function urlOf(scheme: "http" | "https", host: string, port: number): string {
  return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
