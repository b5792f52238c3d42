/** Where webhooks go, and the secrets that sign them: from settings, as text. */
import { readFileSync } from "node:fs";
import { limits } from "../limits.js";
import { readSecrets, type Secrets } from "../webhooks/secrets.js";
import { readTargets, type Target, TargetError } from "../webhooks/target.js";
import { ConfigError } from "./address.js";

export interface WebhookSettings {
  readonly targets: readonly Target[];
  /** Secrets themselves, one a line, or the file that holds them: exactly one of the two. */
  readonly secret: string | null;
  readonly secret_file: string | null;
  /** How old a message may be before a failed try is its last. */
  readonly retry_seconds: number;
}

type Raw = Readonly<Record<string, string | undefined>>;

/**
 * Reads the settings `webhooks`, `webhook_secret`, `webhook_secret_file` and `webhook_retry_seconds`; null
 * when no webhook is named.
 *
 * @throws {ConfigError}
 */
export function readWebhooks(raw: Raw): WebhookSettings | null {
  const { webhooks, webhook_secret, webhook_secret_file, webhook_retry_seconds } = raw;
  if (!webhooks?.trim()) {
    return null;
  }
  const settings: WebhookSettings = {
    targets: named("webhooks", () => readTargets(webhooks)),
    // A variable holds no lines: several secrets are separated by white space.
    secret: webhook_secret?.trim().replaceAll(/\s+/g, "\n") || null,
    secret_file: webhook_secret_file || null,
    retry_seconds: readRetrySeconds(webhook_retry_seconds),
  };
  if ((settings.secret === null) === (settings.secret_file === null)) {
    throw new ConfigError(
      "webhooks: messages are signed: name a file with secrets by --webhook-secret-file, or set KILLCORD_WEBHOOK_SECRET, and not both",
    );
  }
  secretsOf(settings);
  return settings;
}

/**
 * The secrets in force, read anew from their file.
 *
 * @throws {ConfigError}
 */
export function secretsOf({ targets, secret, secret_file }: WebhookSettings): Secrets {
  if (secret_file === null) {
    return named("webhook_secret", () => readSecrets(secret ?? "", targets));
  }
  return named(`webhook_secret_file: ${secret_file}`, () =>
    readSecrets(readFileSync(secret_file, "utf8"), targets),
  );
}

/** The settings for people: no secret, and no address, since these may hold tokens. */
export function shownWebhooks(settings: WebhookSettings | null): readonly object[] {
  return settings?.targets.map(({ name, events }) => ({ to: name, events: [...events] })) ?? [];
}

function readRetrySeconds(text: string | undefined): number {
  const seconds = Number(text ?? limits.webhook_retry_seconds);
  if (!/^\d+$/.test(text ?? "0") || seconds < 1 || seconds > limits.webhook_retry_seconds_max) {
    throw new ConfigError(
      `webhook_retry_seconds: "${text}" is not a whole number of seconds from 1 to ${limits.webhook_retry_seconds_max}`,
    );
  }
  return seconds;
}

function named<T>(setting: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof TargetError || (error as NodeJS.ErrnoException).code !== undefined) {
      throw new ConfigError(`${setting}: ${(error as Error).message}`);
    }
    throw error;
  }
}
