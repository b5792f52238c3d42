/** Which server a command talks to, and with which key. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Option } from "commander";
import { systemFailure, systemReason, wrongUsage } from "./failure.js";
import { note } from "./output.js";

/** Where a server listens unless it is told otherwise. */
export const default_url = "http://127.0.0.1:7411";

/** The options of every command that talks to a server. */
export interface AccessOptions {
  readonly url: string;
  readonly apiKeyFile?: string;
  readonly json?: true;
}

/** Makes those options, new ones for each command. */
export function accessOptions(): Option[] {
  return [
    new Option("--url <url>", "the server").env("KILLCORD_URL").default(default_url),
    new Option("--api-key-file <file>", "a file that holds the API key (otherwise KILLCORD_API_KEY)"),
    new Option("--json", "print JSON, also for errors"),
  ];
}

/** Reads the server's address. Throws wrong usage if it is none. */
export function serverUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw wrongUsage(`"${text}" is not the address of a server: expected one like ${default_url}`);
  }
  if (url.username !== "" || url.password !== "") {
    throw wrongUsage("the address of a server holds no user and password: set KILLCORD_API_KEY instead");
  }
  return url;
}

/**
 * Finds the key: --api-key-file, KILLCORD_API_KEY, or, for the first minutes on one machine, the
 * admin key that `killcord serve` left in its data directory. That one is sent to this machine
 * only, whatever KILLCORD_URL says. Null when there is none; the server then tells what is missing.
 */
export function findKey(options: AccessOptions, url: URL): string | null {
  if (options.apiKeyFile !== undefined) return keyIn(options.apiKeyFile);
  const key = process.env.KILLCORD_API_KEY;
  if (key !== undefined && key !== "") return checked(key.trim(), "KILLCORD_API_KEY");
  return isLoopback(url) ? adminKey(options.json === true) : null;
}

/** Whether what is sent there stays on this machine. */
export function isLoopback(url: URL): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
}

function adminKey(quiet: boolean): string | null {
  const file = join(process.env.KILLCORD_DATA || "killcord-data", "admin.key");
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return null; // No such convenience here: the server will ask for a key.
  }
  // With --json, stderr is kept for the error document.
  if (!quiet) note(`no KILLCORD_API_KEY is set: using the admin key in ${file}`);
  return checked(text.trim(), file);
}

function keyIn(file: string): string {
  try {
    return checked(readFileSync(file, "utf8").trim(), file);
  } catch (error) {
    if (error instanceof Error && "syscall" in error) {
      const failure = systemFailure(`read the API key in ${file}`, error);
      throw wrongUsage(
        `${failure.message}${systemReason(error) === "it does not exist" ? "" : ": check the file"}`,
      );
    }
    throw error;
  }
}

/** A key travels in a header: anything else in it is a mistake, and must not be repeated on a screen. */
function checked(key: string, source: string): string {
  if (/^[\x21-\x7e]{1,512}$/.test(key)) return key;
  throw wrongUsage(`${source} does not hold an API key: expected one word of printable characters`);
}
