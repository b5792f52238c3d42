/** The server's settings: flags, then environment, then a file, then defaults; parsed once. */
import { readFileSync } from "node:fs";
import type { Level } from "pino";
import { limits } from "../limits.js";
import { readWitnessFile, type WitnessPolicy } from "../vault/witness-policy.js";
import { type Address, ConfigError, isLoopback, readAddress } from "./address.js";
import { policyDirectory } from "./packs.js";
import {
  readBoolean,
  readBootstrapKey,
  readLevel,
  readMetricsAddress,
  readOr,
  readOrigin,
  readOrigins,
  readSchedule,
  readSeconds,
  readTls,
  type TlsFiles,
} from "./setting-values.js";
import { readWebhooks, shownWebhooks, type WebhookSettings } from "./webhook-settings.js";

/** What `serve` runs with. Frozen. */
export interface Config {
  /** Where it listens; port 0 takes a free one. */
  readonly host: string;
  readonly port: number;
  /** The data directory. */
  readonly data: string;
  /** Where checkpoints.log is kept, better on another volume; null keeps it in the data directory. */
  readonly checkpoints: string | null;
  /** Whether everybody may read the static log under /log/: it holds hashes and signatures, no content. */
  readonly public_log: boolean;
  /** The witnesses that must sign before a checkpoint is shown; null asks nobody. */
  readonly witnesses: WitnessPolicy | null;
  /** Name of the log, at its first start; null makes one up. */
  readonly origin: string | null;
  /** Secret of the first admin key, at the first start; null makes one up. */
  readonly bootstrap_key: string | null;
  /** Whether an address beyond loopback may be served without TLS. */
  readonly insecure: boolean;
  /** Files in PEM; null serves in the clear. */
  readonly tls: TlsFiles | null;
  /** Whose pages may call from a browser. */
  readonly cors_origins: readonly string[];
  readonly log_level: Level | "silent";
  /** A port of its own for figures, without a key; null when there is none. */
  readonly metrics_listen: Address | null;
  /** Whether gRPC clients may ask what services there are. */
  readonly reflection: boolean;
  /** What a client has from a stop on to say that it has stopped; then the stop is unconfirmed. */
  readonly halt_confirm_seconds: number;
  /** How long an escalated action waits for a person. */
  readonly escalation_seconds: number;
  /** What a client has from an action on to settle its estimate; then that counts as spent. */
  readonly settle_timeout_seconds: number;
  /** When drills run by themselves, as a cron expression; null: never. */
  readonly drill_schedule: string | null;
  /** The directory that policies are read from; null: calls alone make them. */
  readonly policies: string | null;
  /** Who is told of what is sealed; null: nobody. */
  readonly webhooks: WebhookSettings | null;
  /** Written when the server listens: its address, for whoever started it. */
  readonly ready_file: string | null;
}

/** One setting as text, before it is read. */
type Raw = Readonly<Record<string, string | undefined>>;

const settings = [
  "listen",
  "data",
  "checkpoints",
  "public_log",
  "witnesses",
  "witness_quorum",
  "origin",
  "bootstrap_key",
  "insecure",
  "tls_cert",
  "tls_key",
  "tls_client_ca",
  "cors_origins",
  "log_level",
  "metrics_listen",
  "reflection",
  "halt_confirm_seconds",
  "escalation_seconds",
  "settle_timeout_seconds",
  "drill_schedule",
  "policies",
  "webhooks",
  "webhook_secret",
  "webhook_secret_file",
  "webhook_retry_seconds",
  "ready_file",
] as const;
type Setting = (typeof settings)[number];

const defaults: Readonly<Record<Setting, string | undefined>> = {
  listen: "127.0.0.1:7411",
  data: "./killcord-data",
  checkpoints: undefined,
  public_log: "false",
  witnesses: undefined,
  witness_quorum: undefined,
  origin: undefined,
  bootstrap_key: undefined,
  insecure: "false",
  tls_cert: undefined,
  tls_key: undefined,
  tls_client_ca: undefined,
  cors_origins: "",
  log_level: "info",
  metrics_listen: undefined,
  reflection: "true",
  drill_schedule: undefined,
  halt_confirm_seconds: String(limits.halt_confirm_ms / 1000),
  escalation_seconds: String(limits.escalation_ms / 1000),
  settle_timeout_seconds: String(limits.settle_timeout_ms / 1000),
  policies: undefined,
  webhooks: undefined,
  webhook_secret: undefined,
  webhook_secret_file: undefined,
  webhook_retry_seconds: undefined,
  ready_file: undefined,
};

/** Variables that clients and the command line read. */
const client_variables: ReadonlySet<string> = new Set([
  "KILLCORD_URL",
  "KILLCORD_API_KEY",
  "KILLCORD_SESSION_ID",
  "KILLCORD_CONFIG",
  "KILLCORD_DEBUG",
]);

/**
 * Reads the settings.
 *
 * @param flags settings given on the command line, by setting name
 * @param environment as in process.env
 * @param file path of a JSON file with settings, from a flag; else KILLCORD_CONFIG
 * @throws {ConfigError}
 */
export function readConfig(flags: Raw, environment: Raw, file: string | undefined): Config {
  const path = file ?? environment.KILLCORD_CONFIG;
  const merged = {
    ...defaults,
    ...(path === undefined ? {} : fromFile(path)),
    ...fromEnvironment(environment),
    ...defined(flags),
  };
  const { host, port } = readAddress("listen", merged.listen as string);
  const config: Config = {
    host,
    port,
    data: merged.data as string,
    checkpoints: merged.checkpoints ?? null,
    public_log: readBoolean("public_log", merged.public_log as string),
    witnesses: readOr(() => readWitnessFile(merged.witnesses, merged.witness_quorum)),
    origin: readOrigin(merged.origin),
    bootstrap_key: readBootstrapKey(merged.bootstrap_key),
    insecure: readBoolean("insecure", merged.insecure as string),
    tls: readTls(merged.tls_cert, merged.tls_key, merged.tls_client_ca),
    cors_origins: readOrigins(merged.cors_origins as string),
    log_level: readLevel(merged.log_level as string),
    metrics_listen: readMetricsAddress(merged.metrics_listen),
    reflection: readBoolean("reflection", merged.reflection as string),
    halt_confirm_seconds: readSeconds(
      "halt_confirm_seconds",
      merged.halt_confirm_seconds as string,
      limits.halt_confirm_seconds_max,
    ),
    escalation_seconds: readSeconds(
      "escalation_seconds",
      merged.escalation_seconds as string,
      limits.escalation_seconds_max,
    ),
    settle_timeout_seconds: readSeconds(
      "settle_timeout_seconds",
      merged.settle_timeout_seconds as string,
      limits.settle_timeout_seconds_max,
    ),
    drill_schedule: readSchedule("drill_schedule", merged.drill_schedule),
    policies: merged.policies ? readOr(() => policyDirectory(merged.policies as string)) : null,
    webhooks: readWebhooks(merged),
    ready_file: merged.ready_file ?? null,
  };
  refuseExposed(config);
  return Object.freeze(config);
}

/** The settings for people, without secrets. */
export function shownConfig(config: Config): Readonly<Record<string, unknown>> {
  const { host, port, bootstrap_key, metrics_listen, witnesses, webhooks, ...rest } = config;
  const metrics = metrics_listen === null ? null : `${metrics_listen.host}:${metrics_listen.port}`;
  return {
    listen: `${host}:${port}`,
    ...rest,
    metrics_listen: metrics,
    witnesses: witnesses?.witnesses.map(({ vkey, url }) => ({ vkey, url })) ?? [],
    witness_quorum: witnesses?.quorum ?? 0,
    webhooks: shownWebhooks(webhooks),
    bootstrap_key: bootstrap_key === null ? null : "********",
  };
}

function defined(raw: Raw): Raw {
  return Object.fromEntries(Object.entries(raw).filter(([, value]) => value !== undefined));
}

function fromEnvironment(environment: Raw): Raw {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith("KILLCORD_") || client_variables.has(name) || value === undefined) {
      continue;
    }
    const setting = name.slice("KILLCORD_".length).toLowerCase();
    if (!isSetting(setting)) {
      throw new ConfigError(
        `${name} is no setting of Killcord: known are ${settings.map(variableOf).join(", ")}`,
      );
    }
    found[setting] = value;
  }
  return found;
}

function fromFile(path: string): Raw {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new ConfigError(`the settings in ${path} cannot be read as JSON: ${(error as Error).message}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ConfigError(`the settings in ${path} must be one JSON object`);
  }
  for (const name of Object.keys(value)) {
    if (!isSetting(name)) {
      throw new ConfigError(`${path}: "${name}" is no setting of Killcord: known are ${settings.join(", ")}`);
    }
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, Array.isArray(each) ? each.join(" ") : String(each)]),
  );
}

function isSetting(name: string): name is Setting {
  return (settings as readonly string[]).includes(name);
}

function variableOf(setting: Setting): string {
  return `KILLCORD_${setting.toUpperCase()}`;
}

/** Keys travel in the clear without TLS: beyond this machine only when somebody says so aloud. */
function refuseExposed(config: Config): void {
  if (!isLoopback(config.host) && config.tls === null && !config.insecure) {
    throw new ConfigError(
      `listen: ${config.host} is reachable from other machines and keys would travel in the clear: give --tls-cert and --tls-key, or listen on 127.0.0.1 behind a TLS proxy, or say --insecure`,
    );
  }
}
