/** Signed notes and verifier keys: C2SP signed-note and tlog-cosignature (vault-format.md, 6). */
import { limits } from "../limits.js";
import { bytesOf, fromBase64, joinBytes, toBase64, toHex } from "./encoding.js";
import type { VerifyCrypto } from "./verify-crypto.js";

/** Why a note is refused. */
export type NoteCode = "note.syntax" | "note.signature" | "note.unverified";

/** Ed25519 of a log, ECDSA P-256 of a log, cosignature of a witness. */
export type KeyType = 0x01 | 0x02 | 0x04;

/** A key that can sign notes. */
export interface NoteKey {
  readonly name: string;
  /** First four bytes of its hash, as hex. */
  readonly id: string;
  readonly type: KeyType;
  /** Raw 32 bytes of Ed25519, or the SPKI DER of P-256. */
  readonly key: Uint8Array;
}

export interface SignatureLine {
  readonly name: string;
  readonly id: string;
  readonly signature: Uint8Array;
}

export interface Note {
  /** What is signed, with its last newline. */
  readonly text: string;
  readonly lines: readonly SignatureLine[];
}

/** A key whose signature holds; witnesses also state when, in seconds since 1970. */
export interface NoteSignature {
  readonly key: NoteKey;
  readonly time_seconds: number | null;
}

// SPKI DER of an uncompressed P-256 point: everything before its 64 bytes.
const p256_prefix = "3059301306072a8648ce3d020106082a8648ce3d03010703420004";
const p256_bytes = 91;

/** Whether bytes are the SPKI DER of a P-256 key in its one usual spelling. */
export function isP256(spki: Uint8Array): boolean {
  return spki.length === p256_bytes && toHex(spki.subarray(0, p256_prefix.length / 2)) === p256_prefix;
}

function isName(name: string): boolean {
  return name !== "" && !/[\s+]/u.test(name) && name.isWellFormed();
}

/** The key that `name+hex(id)+base64(type || key)` spells, or null. */
export function parseNoteKey(vkey: string, sha256: VerifyCrypto["sha256"]): NoteKey | null {
  const match = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/su.exec(vkey);
  const [, name = "", id = "", encoded = ""] = match ?? [];
  const typed = fromBase64(encoded);
  if (match === null || !isName(name) || typed === null) {
    return null;
  }
  const type = typed[0];
  const key = typed.slice(1);
  const known = type === 0x02 ? isP256(key) : (type === 0x01 || type === 0x04) && key.length === 32;
  if (!known) {
    return null;
  }
  // A P-256 key's id leaves the name out: whoever lists such a key must check the name.
  const named = type === 0x02 ? key : joinBytes(bytesOf(`${name}\n`), typed);
  return toHex(sha256(named).subarray(0, 4)) === id ? { name, id, type: type as KeyType, key } : null;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the format refuses exactly these
const control = /[\0-\x09\x0b-\x1f]/;

/** A note in its parts, or null: `note.syntax`. */
export function parseNote(note: string | Uint8Array): Note | null {
  const whole = typeof note === "string" ? note : decode(note);
  if (whole === null || !whole.isWellFormed() || control.test(whole)) {
    return null;
  }
  const split = whole.lastIndexOf("\n\n");
  if (split < 0 || !whole.endsWith("\n") || split + 2 >= whole.length) {
    return null;
  }
  const rows = whole.slice(split + 2, -1).split("\n");
  if (rows.length > limits.note_signatures) {
    return null;
  }
  const lines = rows.map(parseLine);
  return lines.includes(null)
    ? null
    : { text: whole.slice(0, split + 1), lines: lines as readonly SignatureLine[] };
}

function decode(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** The line that a signature makes in a note. */
export function noteLine(key: NoteKey, signature: Uint8Array): string {
  const id = Uint8Array.from(key.id.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
  return `\u2014 ${key.name} ${toBase64(joinBytes(id, signature))}\n`;
}

/** A note: its text, which ends with a newline, and the lines of who signed it. */
export function noteOf(text: string, lines: readonly string[]): string {
  return `${text}\n${lines.join("")}`;
}

/** What of a note everybody signs, also when it is no note. */
export function signedText(note: string): string {
  return note.slice(0, note.lastIndexOf("\n\n") + 1);
}

function parseLine(row: string): SignatureLine | null {
  const match = /^\u2014 ([^ ]+) ([^ ]+)$/u.exec(row);
  const [, name = "", encoded = ""] = match ?? [];
  const bytes = fromBase64(encoded);
  if (match === null || !isName(name) || bytes === null || bytes.length < 5) {
    return null;
  }
  return { name, id: toHex(bytes.subarray(0, 4)), signature: bytes.slice(4) };
}

/**
 * Which of the keys signed a note, in the order of the keys. Lines of unknown keys are ignored, and so
 * is the second line of a key; a wrong line of a known key refuses the note.
 */
export function openNote(
  note: Note,
  keys: readonly NoteKey[],
  crypto: VerifyCrypto,
): { readonly signatures: readonly NoteSignature[] } | { readonly code: NoteCode } {
  const found = new Map<NoteKey, NoteSignature>();
  for (const line of note.lines) {
    const key = keys.find((known) => known.name === line.name && known.id === line.id);
    if (key === undefined || found.has(key)) {
      continue;
    }
    const signature = checkLine(note.text, key, line.signature, crypto);
    if (signature === null) {
      return { code: "note.signature" };
    }
    found.set(key, signature);
  }
  const signatures = keys.flatMap((key) => found.get(key) ?? []);
  return signatures.length === 0 ? { code: "note.unverified" } : { signatures };
}

function checkLine(
  text: string,
  key: NoteKey,
  signature: Uint8Array,
  crypto: VerifyCrypto,
): NoteSignature | null {
  switch (key.type) {
    case 0x01:
      return crypto.verifyEd25519(key.key, bytesOf(text), signature) ? { key, time_seconds: null } : null;
    case 0x02:
      return crypto.verifyP256(key.key, bytesOf(text), signature) ? { key, time_seconds: null } : null;
    case 0x04: {
      if (signature.length !== 72) {
        return null;
      }
      const time = new DataView(signature.buffer, signature.byteOffset).getBigUint64(0);
      const message = bytesOf(`cosignature/v1\ntime ${time}\n${text}`);
      // A moment beyond exact numbers is later than any that is asked about.
      const time_seconds = Number(time);
      return crypto.verifyEd25519(key.key, message, signature.subarray(8)) ? { key, time_seconds } : null;
    }
    default:
      return key.type satisfies never;
  }
}
