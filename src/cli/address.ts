/** Addresses to listen on, as settings spell them. */

/** Where to listen; port 0 takes a free one. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Settings that cannot be used, with what to do. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ConfigError";
  }
}

/** `HOST:PORT`, an IPv6 host in brackets. */
export function readAddress(setting: string, text: string): Address {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw new ConfigError(`${setting}: "${text}" is not HOST:PORT, e.g. 127.0.0.1:7411 or [::1]:7411`);
  }
  return { host: match[1] ?? (match[2] as string), port };
}

/** Whether only this machine reaches it. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\./.test(host);
}
