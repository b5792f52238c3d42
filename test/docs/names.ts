/**
 * What a document writes for what is new in every run: ids, times, digests and secrets. The first
 * reply that shows one teaches which real one it stands for.
 */
export class Names {
  readonly #real = new Map<string, string>();
  readonly #documented = new Map<string, string>();

  /** Notes that a documented word stands for a real one. */
  learn(documented: string, real: string): void {
    this.#real.set(documented, real);
    this.#documented.set(real, documented);
  }

  /** A documented text as it is in this run. */
  toReal(text: string): string {
    return replaceAll(text, this.#real);
  }

  /** A text of this run in the document's words. */
  toDocumented(text: string): string {
    return replaceAll(text, this.#documented);
  }
}

function replaceAll(text: string, words: ReadonlyMap<string, string>): string {
  return [...words].reduce((replaced, [from, to]) => replaced.replaceAll(from, to), text);
}

/** What differs from run to run, longest first. */
const kinds: readonly (readonly [string, RegExp])[] = [
  ["time", /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z/g],
  ["digest", /\b[0-9a-f]{64}\b/g],
  ["policy or salt", /\b[0-9a-f]{32}\b/g],
  ["session", /\bsess_[0-9a-f]{24}\b/g],
  ["entry", /\bve_[0-9a-f]{24}\b/g],
  ["request", /\breq_[0-9a-f]{24}\b/g],
  ["signer", /\bvsk_[0-9a-f]{16}\b/g],
  ["halt", /\bhalt_[0-9a-f]{12}\b/g],
  ["escalation", /\besc_[0-9a-f]{12}\b/g],
  ["decision", /\benf_[0-9a-f]{12}\b/g],
  ["credential", /\bcred_[0-9a-f]{12}\b/g],
  ["key", /\bkey_[0-9a-f]{12}\b/g],
  ["workspace", /\bws_[0-9a-f]{12}\b/g],
  ["base64", /(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{48,}={0,2}/g],
];

/** A text with everything that differs from run to run replaced by what kind of thing it is. */
export function kindOf(text: string): string {
  return kinds.reduce((plain, [kind, pattern]) => plain.replace(pattern, `<${kind}>`), text);
}

/** Whether a text is an id and nothing else. */
export function isId(text: string): boolean {
  return /^<[a-z ]+>$/.test(kindOf(text)) && !/^<(time|digest|base64)>$/.test(kindOf(text));
}
