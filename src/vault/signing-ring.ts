/**
 * The memory that a signing thread shares with the event loop: a ring of messages, each a few short
 * texts and, later, their signatures. Copying them here costs a tenth of posting them as objects.
 *
 * A message is numbered; its slot is the number modulo the ring. The event loop writes the texts and
 * then counts the message as posted; whoever claims it first, thread or event loop, signs it. A slot
 * is written again only when its last message has been answered.
 */
import { limits } from "../limits.js";

const { signatures_per_message: per_message, signing_messages: slots } = limits;

/** Of one text and of one signature in DER, each behind a byte that tells how many there are. */
const text_bytes = 64;
const signature_bytes = 72;

export interface SigningRing {
  /** How many messages were posted, modulo 2^32; what the thread waits on. */
  readonly posted: Int32Array;
  /** The number of the last message that was claimed in each slot. */
  readonly claims: Int32Array;
  /** How many texts a slot holds. */
  readonly counts: Uint8Array;
  readonly texts: Uint8Array;
  readonly signatures: Uint8Array;
}

export function newRing(): SigningRing {
  const claims = new Int32Array(new SharedArrayBuffer(slots * Int32Array.BYTES_PER_ELEMENT));
  for (let slot = 0; slot < slots; slot++) {
    // As if the round before the first had been claimed.
    claims[slot] = slot - slots;
  }
  const bytes = (count: number) => new Uint8Array(new SharedArrayBuffer(count));
  return {
    posted: new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)),
    claims,
    counts: bytes(slots),
    texts: bytes(slots * per_message * (1 + text_bytes)),
    signatures: bytes(slots * per_message * (1 + signature_bytes)),
  };
}

/**
 * Writes the texts of a message and wakes the thread.
 *
 * @param texts at most `signatures_per_message`, ASCII, of at most 64 characters each
 */
export function post(ring: SigningRing, message: number, texts: readonly string[]): void {
  if (texts.length > per_message || texts.some((text) => text.length > text_bytes)) {
    throw new RangeError(`a message holds ${per_message} texts of ${text_bytes} characters`);
  }
  const slot = slotOf(message);
  for (const [i, text] of texts.entries()) {
    write(ring.texts, cell(slot, i, text_bytes), Buffer.from(text, "latin1"));
  }
  ring.counts[slot] = texts.length;
  Atomics.store(ring.posted, 0, (message + 1) | 0);
  Atomics.notify(ring.posted, 0);
}

/** Waits until a message is posted. Not for an event loop: it blocks. */
export function awaitPosted(ring: SigningRing, message: number): void {
  while (Atomics.load(ring.posted, 0) === (message | 0)) {
    Atomics.wait(ring.posted, 0, message | 0);
  }
}

/** Claims a posted message; true for exactly one of those who try. Numbers may wrap around. */
export function claim({ claims }: Pick<SigningRing, "claims">, message: number): boolean {
  const last = (message - slots) | 0;
  return Atomics.compareExchange(claims, slotOf(message), last, message | 0) === last;
}

/** Whether a posted message waits for somebody to claim it. */
export function isWaiting({ claims }: Pick<SigningRing, "claims">, message: number): boolean {
  return Atomics.load(claims, slotOf(message)) === ((message - slots) | 0);
}

/** The texts of a message that was claimed. */
export function textsOf(ring: SigningRing, message: number): readonly Buffer[] {
  const slot = slotOf(message);
  return Array.from({ length: ring.counts[slot] ?? 0 }, (_, i) =>
    read(ring.texts, cell(slot, i, text_bytes)),
  );
}

/** Writes the signatures of a message: DER, in the order of its texts. */
export function sign(ring: SigningRing, message: number, signatures: readonly Uint8Array[]): void {
  for (const [i, signature] of signatures.entries()) {
    write(ring.signatures, cell(slotOf(message), i, signature_bytes), signature);
  }
}

/** The signatures of a message, once they are written. */
export function signaturesOf(ring: SigningRing, message: number): readonly Buffer[] {
  const slot = slotOf(message);
  return Array.from({ length: ring.counts[slot] ?? 0 }, (_, i) =>
    read(ring.signatures, cell(slot, i, signature_bytes)),
  );
}

function slotOf(message: number): number {
  // The ring's size is a power of two.
  return message & (slots - 1);
}

function cell(slot: number, i: number, bytes: number): number {
  return (slot * per_message + i) * (1 + bytes);
}

function write(to: Uint8Array, at: number, bytes: Uint8Array): void {
  to[at] = bytes.length;
  to.set(bytes, at + 1);
}

/** In memory of its own: what is shared may be written again. */
function read(from: Uint8Array, at: number): Buffer {
  const length = from[at] as number;
  return Buffer.from(from.subarray(at + 1, at + 1 + length));
}
