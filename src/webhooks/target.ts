/** Whom messages go to, as settings spell it: an address, and behind `#` the events that it is told. */
import { limits } from "../limits.js";
import { type MessageEvent, message_events } from "./message.js";

export interface Target {
  /** The address without its filter. It may hold a token: it goes into no log and no figure. */
  readonly url: string;
  /** For logs and figures: the host, and a number where several are on one. */
  readonly name: string;
  readonly events: ReadonlySet<MessageEvent>;
}

/** A setting that names no targets or secrets that could be used. Its message shows neither. */
export class TargetError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "TargetError";
  }
}

/**
 * Reads targets, separated by white space: `https://ops.example.com/hook#halt.*,session.stopped`.
 *
 * @throws {TargetError}
 */
export function readTargets(text: string): readonly Target[] {
  const words = text.split(/\s+/).filter((word) => word !== "");
  if (words.length > limits.webhooks) {
    throw new TargetError(`${words.length} addresses are above the limit of ${limits.webhooks}`);
  }
  const targets: Target[] = [];
  for (const [i, word] of words.entries()) {
    const url = addressOf(word, `address ${i + 1}`);
    const host = url.host;
    const same = targets.filter(({ name }) => name.split("#")[0] === host).length;
    const events = eventsOf(url.hash.slice(1));
    url.hash = "";
    if (targets.some((target) => target.url === url.href)) {
      throw new TargetError(`address ${i + 1} on ${host} is named twice: name all its events behind one #`);
    }
    targets.push({ url: url.href, name: same === 0 ? host : `${host}#${same + 1}`, events });
  }
  return targets;
}

/**
 * An address of a receiver. In the clear only to this machine: what is sent tells of agents, and whoever
 * can change it on its way could keep a stop from being heard.
 *
 * @param what to call it, since the address itself may hold a token
 * @throws {TargetError}
 */
export function addressOf(word: string, what: string): URL {
  const url = URL.canParse(word) ? new URL(word) : null;
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
    throw new TargetError(`${what} is no address: write https://host/path`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new TargetError(`${what} on ${url.host} holds a user or a password: messages are signed instead`);
  }
  if (url.protocol === "http:" && !isLoopback(url.hostname)) {
    throw new TargetError(`${what} on ${url.host} is http: beyond this machine it has to be https`);
  }
  return url;
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
}

/** `halt.*` is every event of that subject; nothing is all of them. */
function eventsOf(filter: string): ReadonlySet<MessageEvent> {
  if (filter === "") {
    return new Set(message_events);
  }
  const events = new Set<MessageEvent>();
  for (const pattern of filter.split(",")) {
    const named = message_events.filter((event) =>
      pattern.endsWith(".*") ? event.startsWith(pattern.slice(0, -1)) : event === pattern,
    );
    if (named.length === 0) {
      throw new TargetError(`"${pattern}" is no event: known are ${message_events.join(", ")}`);
    }
    for (const event of named) {
      events.add(event);
    }
  }
  return events;
}
