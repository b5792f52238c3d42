/** What is wrong with a policy, or with judging by it. */

/** A policy that cannot be used. */
export class PolicyError extends Error {
  /** RFC 6901 pointer into the document, `` for the whole of it. */
  readonly path: string;

  constructor(path: string, message: string) {
    super(message);
    this.name = "PolicyError";
    this.path = path;
  }
}

/** One step of an RFC 6901 pointer. */
export function step(name: string | number): string {
  return `/${String(name).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}
