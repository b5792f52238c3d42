/** The values of settings, from text: each is read once, and refused with what to write instead. */
import { Cron } from "croner";
import { type Level, levels } from "pino";
import { limits } from "../limits.js";
import { type Address, ConfigError, isLoopback, readAddress } from "./address.js";

/** Where the server's identity is kept, each file in PEM. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  /** The authorities of which every client must bring a certificate; null asks clients for none. */
  readonly client_ca: string | null;
}

/** Figures are open to whoever reaches the address, so it is one of this machine. */
export function readMetricsAddress(text: string | undefined): Address | null {
  if (text === undefined) {
    return null;
  }
  const address = readAddress("metrics_listen", text);
  if (!isLoopback(address.host)) {
    throw new ConfigError(
      `metrics_listen: ${address.host} is reachable from other machines: use 127.0.0.1, or read /metrics with a key of role auditor`,
    );
  }
  return address;
}

/** The log's name (vault-format.md): 1 to 200 printable ASCII characters without space or `+`. */
export function readOrigin(text: string | undefined): string | null {
  if (text === undefined) {
    return null;
  }
  if (!/^[!-*,-~]{1,200}$/.test(text)) {
    throw new ConfigError(
      `origin: "${text}" is not 1 to 200 printable ASCII characters without space or "+"`,
    );
  }
  return text;
}

export function readOr<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new ConfigError((error as Error).message);
  }
}

export function readBootstrapKey(text: string | undefined): string | null {
  if (text === undefined || text === "") {
    return null;
  }
  if (!/^[!-~]+$/.test(text) || text.length < limits.bootstrap_key_characters_min) {
    throw new ConfigError(
      `KILLCORD_BOOTSTRAP_KEY must be at least ${limits.bootstrap_key_characters_min} printable ASCII characters without space`,
    );
  }
  return text;
}

export function readBoolean(setting: string, text: string): boolean {
  if (text !== "true" && text !== "false") {
    throw new ConfigError(`${setting}: "${text}" is neither true nor false`);
  }
  return text === "true";
}

export function readSeconds(setting: string, text: string, most: number): number {
  const seconds = Number(text);
  if (!/^\d+$/.test(text) || seconds < 1 || seconds > most) {
    throw new ConfigError(`${setting}: "${text}" is not a whole number of seconds from 1 to ${most}`);
  }
  return seconds;
}

/** A cron expression of five fields; set to nothing it means no schedule. */
export function readSchedule(setting: string, text: string | undefined): string | null {
  if (!text) {
    return null;
  }
  try {
    new Cron(text, { mode: "5-part", paused: true }).stop();
    return text;
  } catch {
    throw new ConfigError(`${setting}: "${text}" is no cron expression of five fields, e.g. "0 6 * * *"`);
  }
}

/** A variable that is set to nothing means what an unset one means. */
export function readTls(
  cert: string | undefined,
  key: string | undefined,
  client_ca: string | undefined,
): TlsFiles | null {
  if (!cert && !key && !client_ca) {
    return null;
  }
  if (!cert || !key) {
    throw new ConfigError("tls_cert and tls_key belong together: name a file in PEM for each");
  }
  return { cert, key, client_ca: client_ca || null };
}

/** Origins as a browser sends them, separated by commas or spaces. */
export function readOrigins(text: string): readonly string[] {
  const origins = text.split(/[\s,]+/).filter((each) => each !== "");
  for (const each of origins) {
    if (!URL.canParse(each) || new URL(each).origin !== each) {
      throw new ConfigError(
        `cors_origins: "${each}" is no origin: name each as https://app.example.com, without a path and without *`,
      );
    }
  }
  return origins;
}

export function readLevel(text: string): Level | "silent" {
  if (text !== "silent" && !(text in levels.values)) {
    throw new ConfigError(
      `log_level: "${text}" is not one of ${Object.keys(levels.values).join(", ")}, silent`,
    );
  }
  return text as Level | "silent";
}
