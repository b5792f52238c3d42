/** Builds the server from its parts, and takes it down again in order. */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { destination, type Logger, pino } from "pino";
import { Engine } from "../engine/engine.js";
import { limits } from "../limits.js";
import { withStaticLog } from "../rest/static-log.js";
import { createRestHandler } from "../rest/transcoder.js";
import type { Port } from "../rpc/port.js";
import { openServer } from "../rpc/server.js";
import { openDoor } from "../services/workspace.js";
import { openStoreIn } from "../vault/level.js";
import { openVault } from "../vault/start.js";
import { StartError } from "../vault/start-error.js";
import type { Vault } from "../vault/vault.js";
import { Witnesses, type WitnessState } from "../vault/witnesses.js";
import { type AdminKey, ensureAdminKey } from "./admin-key.js";
import type { Config } from "./config.js";
import { CommandFailure } from "./failure.js";

/** Runs a server until a signal ends it. */
export async function serve(config: Config): Promise<void> {
  const log = pino({ level: config.log_level }, destination({ fd: 2, sync: true }));
  const opened = await openParts(config, log);
  const { vault, server, admin_key } = opened;
  const url = urlOf(config.host, server.address.port);
  announce(url, admin_key);
  log.info({ url, data: config.data, origin: vault.origin, entries: vault.head().size }, "listening");
  if (config.ready_file !== null) {
    const ready = { url, admin_key_file: admin_key.file, pid: process.pid };
    writeFileSync(config.ready_file, JSON.stringify(ready));
  }
  const stop = (signal: string) => {
    log.info({ signal }, "stopping");
    takeDown(opened).then(
      () => process.exit(0),
      (error: unknown) => {
        log.fatal({ err: error }, "the stop failed: the next start replays the log");
        process.exit(1);
      },
    );
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
}

interface Parts {
  readonly vault: Vault;
  readonly engine: Engine;
  readonly server: Port;
  readonly admin_key: AdminKey;
}

async function openParts(config: Config, log: Logger): Promise<Parts> {
  try {
    const store = openStoreIn(config.data);
    let engine: Engine | null = null;
    const witnesses = config.witnesses === null ? undefined : new Witnesses(config.witnesses, alarm(log));
    const vault = await openVault({
      directory: config.data,
      checkpoints: config.checkpoints ?? undefined,
      origin: config.origin ?? undefined,
      heartbeat_seconds: limits.heartbeat_seconds,
      journal: store.journal,
      now: Date.now,
      random: randomBytes,
      witnesses: config.witnesses ?? undefined,
      cosigning: witnesses,
      onWarning: (message) => log.warn(message),
      onPoisoned: (error) => (engine === null ? die(log, error) : engine.fail(error)),
    });
    engine = await Engine.open({
      log: vault,
      rows: store.derived("projection"),
      heartbeat_seconds: limits.heartbeat_seconds,
      onFatal: (error) => die(log, error),
    });
    const admin_key = await ensureAdminKey(engine, vault.pepper, config.data, config.bootstrap_key);
    const door = openDoor({ engine, vault });
    const shown = {
      file: (path: string) => vault.publication.file(path),
      is_public: config.public_log,
    };
    const rest = withStaticLog(createRestHandler(door, log), door, shown, log);
    const server = await openServer({ door, rest, host: config.host, port: config.port, log }).catch(
      (error: Error) => {
        throw new CommandFailure("unavailable", 1, error.message);
      },
    );
    return { vault, engine, server, admin_key };
  } catch (error) {
    throw startFailure(error);
  }
}

/** Says that the newest checkpoint is not witnessed, and that it is again: once each, not every second. */
function alarm(log: Logger): (state: WitnessState) => void {
  let was_witnessed = true;
  return ({ size, quorum, witnessed, answers }) => {
    if (witnessed !== was_witnessed) {
      const missing = answers.flatMap((each) => (each.signed ? [] : [`${each.name}: ${each.why}`]));
      const told = { size, quorum, signed: answers.length - missing.length, missing };
      if (witnessed) {
        log.info(told, "the newest checkpoint is witnessed again");
      } else {
        log.error(told, "the newest checkpoint is unwitnessed: it is sealed, and not shown");
      }
    }
    was_witnessed = witnessed;
  };
}

/** Callers under way are answered before the log is closed. */
async function takeDown({ server, engine, vault }: Parts): Promise<void> {
  engine.follower.end("draining");
  await server.close(limits.drain_ms);
  await engine.stop();
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

function urlOf(host: string, port: number): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
