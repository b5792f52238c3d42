/**
 * Ids of what an entry makes. They are made from the entry's index, which nothing else will ever
 * have, by a fixed permutation of 48 bits: so they never collide, and the entry behind an id is
 * found without any lookup. They look scattered, which makes a mistyped one an unknown one.
 */

type Prefix = "enf" | "halt" | "cred" | "key" | "drill" | "esc";

const half = 0x1000000;
const round_keys = [0x9e3779, 0x85ebca, 0xc2b2ae, 0x27d4eb] as const;

/** The id that the entry at `sequence` makes: the prefix, `_`, 12 hex digits. */
export function idAt(prefix: Prefix, sequence: number): string {
  return `${prefix}_${scatter(sequence).toString(16).padStart(12, "0")}`;
}

/** The index that an id was made from, or null when it is no such id. */
export function sequenceOf(prefix: Prefix, id: string): number | null {
  if (!id.startsWith(`${prefix}_`) || !/^[0-9a-f]{12}$/.test(id.slice(prefix.length + 1))) {
    return null;
  }
  return gather(Number.parseInt(id.slice(prefix.length + 1), 16));
}

// A Feistel network over two halves of 24 bits: each round can be undone, whatever `mix` does.
function scatter(sequence: number): number {
  let left = Math.floor(sequence / half);
  let right = sequence % half;
  for (const key of round_keys) {
    const next = left ^ mix(right, key);
    left = right;
    right = next;
  }
  return left * half + right;
}

function gather(scattered: number): number {
  let left = Math.floor(scattered / half);
  let right = scattered % half;
  for (const key of round_keys.toReversed()) {
    const before = right ^ mix(left, key);
    right = left;
    left = before;
  }
  return left * half + right;
}

function mix(value: number, key: number): number {
  const product = Math.imul(value ^ key, 0x5bd1e995);
  return (product ^ (product >>> 13)) & (half - 1);
}
