/** Joins webhooks to a server: what they read, where they stand, and who hears of their trouble. */
import type { Logger } from "pino";
import { process_time } from "../engine/clock.js";
import type { RowStore } from "../engine/derived.js";
import type { Engine } from "../engine/engine.js";
import type { Observer } from "../engine/observer.js";
import { limits } from "../limits.js";
import type { WebhookMetrics } from "../services/webhook-metrics.js";
import type { Vault } from "../vault/vault.js";
import type { Report } from "../webhooks/courier.js";
import { Webhooks } from "../webhooks/webhooks.js";
import { secretsOf, type WebhookSettings } from "./webhook-settings.js";

/** What is told of, once it is open. */
export interface Told {
  readonly engine: Engine;
  readonly vault: Vault;
  /** Where it is kept how far each target is. */
  readonly positions: RowStore;
}

/** Opens the webhooks of the settings; null without any. */
export async function openWebhooks(
  settings: WebhookSettings | null,
  { engine, vault, positions }: Told,
  metrics: WebhookMetrics,
  log: Logger,
): Promise<Webhooks | null> {
  if (settings === null) {
    return null;
  }
  const webhooks = await Webhooks.open({
    secrets: secretsOf(settings),
    positions,
    size: engine.projection.size,
    outbox: {
      origin: vault.origin,
      announced: (from, limit) => engine.projection.announced(from, limit),
      entry: (sequence_number) => vault.entry(sequence_number),
    },
    bounds: limits,
    retry_ms: settings.retry_seconds * 1000,
    report: reportTo(log, metrics),
    now: process_time.wall_ms,
    after: process_time.after,
    chance: Math.random,
    onFault: ({ name }, err) =>
      log.error({ webhook: name, err }, "the log cannot be read: this webhook is told nothing more"),
    onForgetful: ({ name }, err) =>
      log.error({ webhook: name, err }, "what was told could not be kept: the next start repeats it"),
  });
  metrics.measure(() => webhooks.waiting());
  return webhooks;
}

/** An observer that also wakes the webhooks, once there are any. */
export function alsoTelling(observer: Observer, webhooks: () => Webhooks | null): Observer {
  const onSealed: Observer["onSealed"] = (events) => {
    observer.onSealed(events);
    webhooks()?.onSealed(events);
  };
  return { ...observer, onSealed };
}

/** Reads the secrets anew; those that are no good change nothing. */
export function renewSecrets(settings: WebhookSettings | null, webhooks: Webhooks | null, log: Logger): void {
  if (settings === null || webhooks === null) {
    return;
  }
  try {
    webhooks.renew(secretsOf(settings));
    log.info("the secrets of webhooks were read anew");
  } catch (error) {
    log.error({ err: error }, "the secrets of webhooks were not read anew: those before go on");
  }
}

/** Once when a target fails and once when it is back: tries in between are figures. */
function reportTo(log: Logger, metrics: WebhookMetrics): Report {
  return {
    onOutcome: ({ name }, outcome) => metrics.count(name, outcome),
    onFirstFailure: ({ name }, { event, entry_id }, why) =>
      log.warn({ webhook: name, event, entry_id, why }, "a webhook was not taken: it is tried again"),
    onRecovered: ({ name }, failures) => log.info({ webhook: name, failures }, "webhooks are taken again"),
    onGivenUp: ({ name }, { event, entry_id }, sequence_number, why) =>
      log.error(
        { webhook: name, event, entry_id, sequence_number, why },
        "a webhook was given up: its receiver has to read this entry from the log",
      ),
  };
}
