/**
 * Who signs which message: a ring in memory that two threads share. A slot holds the last message
 * that was claimed there; the next of that slot is one round later.
 */

/** @param size messages that may wait at one time, a power of two */
export function newClaims(size: number): Int32Array {
  const claims = new Int32Array(new SharedArrayBuffer(size * Int32Array.BYTES_PER_ELEMENT));
  for (let slot = 0; slot < size; slot++) {
    // As if the round before the first had been claimed.
    claims[slot] = slot - size;
  }
  return claims;
}

/** Claims a message; true for exactly one of those who try. Numbers of messages may wrap around. */
export function claim(claims: Int32Array, message: number): boolean {
  const last = (message - claims.length) | 0;
  const slot = message & (claims.length - 1);
  return Atomics.compareExchange(claims, slot, last, message | 0) === last;
}
