/** `killcord serve`: its flags. The server itself is in serving.ts, which other commands never load. */
import { Command, Option } from "commander";
import { type Config, ConfigError, readConfig, shownConfig } from "./config.js";
import { wrongUsage } from "./failure.js";

interface Flags {
  readonly data?: string;
  readonly listen?: string;
  readonly origin?: string;
  readonly config?: string;
  readonly insecure?: boolean;
  readonly logLevel?: string;
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
  const { data, listen, origin, logLevel: log_level, readyFile: ready_file } = flags;
  const insecure = flags.insecure ? "true" : undefined;
  try {
    return readConfig({ data, listen, origin, insecure, log_level, ready_file }, process.env, flags.config);
  } catch (error) {
    if (error instanceof ConfigError) {
      throw wrongUsage(error.message);
    }
    throw error;
  }
}
