/** `killcord serve`: its flags. The server itself is in serving.ts, which other commands never load. */
import { Command, Option } from "commander";
import { ConfigError } from "./address.js";
import { type Config, readConfig, shownConfig } from "./config.js";
import { wrongUsage } from "./failure.js";

interface Flags {
  readonly data?: string;
  readonly listen?: string;
  readonly origin?: string;
  readonly config?: string;
  readonly insecure?: boolean;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
  readonly corsOrigins?: string;
  readonly logLevel?: string;
  readonly haltConfirmSeconds?: string;
  readonly escalationSeconds?: string;
  readonly settleTimeoutSeconds?: string;
  readonly drillSchedule?: string;
  readonly policies?: string;
  readonly webhook?: readonly string[];
  readonly webhookSecretFile?: string;
  readonly webhookRetrySeconds?: string;
  readonly readyFile?: string;
  readonly printConfig?: boolean;
}

export function serveCommand(): Command {
  return new Command("serve")
    .summary("start a server")
    .description(
      "Starts Killcord: one process, one port, everything it keeps in one folder. The first start creates the folder, the signing keys and one admin API key.",
    )
    .option("--data <dir>", "folder for the log and its keys (default ./killcord-data)")
    .option("--listen <host:port>", "address to listen on (default 127.0.0.1:7411; port 0 takes a free one)")
    .option("--origin <name>", "name of the log, chosen at the first start, e.g. vault.example.com/acme")
    .option("--config <file>", "JSON file with settings")
    .option("--log-level <level>", "trace, debug, info, warn, error, fatal or silent (default info)")
    .option(
      "--tls-cert <file>",
      "serve TLS with this certificate and its chain, in PEM; SIGHUP reads it anew",
    )
    .option("--tls-key <file>", "the certificate's private key, in PEM")
    .option("--tls-client-ca <file>", "let in only clients with a certificate of these authorities, in PEM")
    .option(
      "--cors-origins <list>",
      "origins whose pages may call from a browser, e.g. https://app.example.com",
    )
    .option(
      "--halt-confirm-seconds <n>",
      "time that a client has to say that it has stopped, before its stop is sealed as unconfirmed (default 10)",
    )
    .option(
      "--settle-timeout-seconds <n>",
      "time that a client has to say what an action has cost, before its estimate counts as spent (default 600)",
    )
    .option(
      "--escalation-seconds <n>",
      "how long an escalated action waits for a person, before it is refused (default 900)",
    )
    .option(
      "--drill-schedule <cron>",
      'rehearse a stop at these times, five fields in local time, e.g. "0 6 * * *"',
    )
    .option(
      "--policies <dir>",
      "put the policies of its YAML files in force, now and whenever they change; or pack:NAME",
    )
    .option(
      "--webhook <url>",
      "tell this address of halts, stops, exceeded budgets and escalations; name several by several flags, and events behind #, e.g. https://ops.example.com/hook#halt.*,session.stopped",
      (url: string, others: readonly string[] = []) => [...others, url],
    )
    .option("--webhook-secret-file <file>", "secrets that sign webhooks, one a line; SIGHUP reads them anew")
    .option(
      "--webhook-retry-seconds <n>",
      "how old a webhook may be before a failed try is its last (default 86400)",
    )
    .option("--insecure", "allow an address beyond this machine without TLS")
    .option("--print-config", "print the settings in force, without secrets, and exit")
    .addOption(new Option("--ready-file <file>", "write the address there once it listens").hideHelp())
    .addHelpText(
      "after",
      "\nExamples:\n  killcord serve\n  killcord serve --data /var/lib/killcord --listen 127.0.0.1:8080\n  KILLCORD_BOOTSTRAP_KEY=xb_at-least-24-characters killcord serve",
    )
    .action(async (flags: Flags) => {
      const config = configOf(flags);
      if (flags.printConfig) {
        process.stdout.write(`${JSON.stringify(shownConfig(config), null, 2)}\n`);
        return;
      }
      const { serve } = await import("./serving.js");
      await serve(config);
    });
}

function configOf(flags: Flags): Config {
  const settings = {
    data: flags.data,
    listen: flags.listen,
    origin: flags.origin,
    insecure: flags.insecure ? "true" : undefined,
    tls_cert: flags.tlsCert,
    tls_key: flags.tlsKey,
    tls_client_ca: flags.tlsClientCa,
    cors_origins: flags.corsOrigins,
    log_level: flags.logLevel,
    drill_schedule: flags.drillSchedule,
    escalation_seconds: flags.escalationSeconds,
    webhooks: flags.webhook?.join(" "),
    webhook_secret_file: flags.webhookSecretFile,
    webhook_retry_seconds: flags.webhookRetrySeconds,
    halt_confirm_seconds: flags.haltConfirmSeconds,
    settle_timeout_seconds: flags.settleTimeoutSeconds,
    policies: flags.policies,
    ready_file: flags.readyFile,
  };
  try {
    return readConfig(settings, process.env, flags.config);
  } catch (error) {
    if (error instanceof ConfigError) {
      throw wrongUsage(error.message);
    }
    throw error;
  }
}
