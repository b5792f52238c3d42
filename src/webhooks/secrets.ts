/** The secrets that sign messages: for everybody, or for one target alone. */
import { limits } from "../limits.js";
import { addressOf, type Target, TargetError } from "./target.js";

/** Each target's secrets, all of which sign; never empty. */
export type Secrets = ReadonlyMap<Target, readonly string[]>;

/**
 * Reads secrets, one a line. A line `SECRET` signs for every target that has none of its own, a line
 * `URL SECRET` for that target alone, so that no receiver can speak to another in our name.
 *
 * @throws {TargetError} naming the line, and never the secret
 */
export function readSecrets(text: string, targets: readonly Target[]): Secrets {
  const shared: string[] = [];
  const own = new Map<string, string[]>();
  for (const [i, line] of text.split("\n").entries()) {
    const words = line.trim().split(/\s+/);
    if (line.trim() === "" || line.startsWith("#")) {
      continue;
    }
    const what = `line ${i + 1} of the secrets`;
    const secret = secretOf(words.at(-1) as string, what);
    if (words.length > 2) {
      throw new TargetError(`${what} is neither SECRET nor URL SECRET`);
    }
    if (words.length === 1) {
      shared.push(secret);
    } else {
      const { href } = addressOf(words[0] as string, `the address in ${what}`);
      if (!targets.some(({ url }) => url === href)) {
        throw new TargetError(`${what} is for an address that no webhook has`);
      }
      own.set(href, [...(own.get(href) ?? []), secret]);
    }
  }
  return new Map(targets.map((target) => [target, secretsFor(target, own.get(target.url) ?? shared)]));
}

function secretsFor(target: Target, secrets: readonly string[]): readonly string[] {
  if (secrets.length === 0) {
    throw new TargetError(`${target.name} has no secret: receivers could not tell who sends`);
  }
  if (secrets.length > limits.webhook_secrets) {
    throw new TargetError(
      `${target.name} has ${secrets.length} secrets, at most ${limits.webhook_secrets} sign: remove old ones`,
    );
  }
  return secrets;
}

function secretOf(word: string, what: string): string {
  if (!/^[!-~]+$/.test(word) || word.length < limits.webhook_secret_characters_min) {
    throw new TargetError(
      `${what} has a secret that is not at least ${limits.webhook_secret_characters_min} printable ASCII characters`,
    );
  }
  return word;
}
