/**
 * The bytes of a verdict on a stream: what toBinary makes of the same message, at a fraction of its cost,
 * which was the most of an intercept outside the seal. Only for the common shape; the rest is left to
 * toBinary. test/rpc/verdict-bytes.test.ts holds the two alike.
 */
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type {
  BudgetLeft,
  InterceptResponse,
  InterceptStreamResponse,
} from "../../gen/killcord/v1/enforcement_pb.js";
import type { Consumed, Reserved } from "../../gen/killcord/v1/session_pb.js";
import { envelope_bytes } from "./body.js";

/** More than all texts can have together, at three bytes a character. */
const scratch_bytes = 64 * 1024;
const text_characters_max = 1024;
const ids_bytes_max = 40 * 1024;

/** Written from its end to its beginning: so the length of a message is known when its head is written. */
const scratch = Buffer.allocUnsafe(scratch_bytes);
let at = scratch_bytes;

/** The envelope of a verdict, or null when it has a shape that this does not write. */
export function verdictEnvelope({ message }: InterceptStreamResponse): Uint8Array | null {
  if (message.case !== "verdict" || message.value.verdict === undefined) {
    return null;
  }
  const { ref, verdict } = message.value;
  if (!isCommon(verdict)) {
    return null;
  }
  at = scratch_bytes;
  // Fields stand in the order of their numbers, so the last is written first.
  writeVerdict(verdict);
  head(2, scratch_bytes - at);
  whole(1, ref);
  head(2, scratch_bytes - at);
  const length = scratch_bytes - at;
  const envelope = Buffer.allocUnsafe(envelope_bytes + length);
  envelope.writeUInt8(0, 0);
  envelope.writeUInt32BE(length, 1);
  scratch.copy(envelope, envelope_bytes, at);
  return envelope;
}

function isCommon(verdict: InterceptResponse): boolean {
  return (
    verdict.policiesTriggered.length === 0 &&
    idsOf(verdict.policiesEvaluated).length <= ids_bytes_max &&
    verdict.trustScore === undefined &&
    verdict.escalationId === undefined &&
    verdict.warnings.length === 0 &&
    verdict.policiesShadowed.length === 0 &&
    verdict.$unknown === undefined &&
    verdict.createdAt?.$unknown === undefined &&
    verdict.consumed?.$unknown === undefined &&
    verdict.reserved?.$unknown === undefined &&
    verdict.budgetLeft?.$unknown === undefined &&
    isShort(verdict.nextStep) &&
    isShort(verdict.reasoning) &&
    isShort(verdict.decisionId) &&
    isShort(verdict.decisionPath) &&
    isShort(verdict.vaultEntryId) &&
    isShort(verdict.sessionId ?? "") &&
    isShort(verdict.haltId ?? "")
  );
}

function isShort(text: string): boolean {
  return text.length <= text_characters_max;
}

function writeVerdict(verdict: InterceptResponse): void {
  if (verdict.reserved !== undefined) {
    const end = at;
    writeReserved(verdict.reserved);
    head(22, end - at);
  }
  text(20, verdict.nextStep);
  if (verdict.budgetLeft !== undefined) {
    const end = at;
    writeBudgetLeft(verdict.budgetLeft);
    head(19, end - at);
  }
  textIfGiven(17, verdict.haltId);
  whole(16, verdict.stopReason);
  if (verdict.consumed !== undefined) {
    const end = at;
    writeConsumed(verdict.consumed);
    head(15, end - at);
  }
  whole(14, verdict.sessionStatus);
  textIfGiven(13, verdict.sessionId);
  whole(12, verdict.outcome);
  if (verdict.createdAt !== undefined) {
    const end = at;
    writeTime(verdict.createdAt);
    head(9, end - at);
  }
  double(8, verdict.latencyMs);
  text(7, verdict.vaultEntryId);
  bytes(idsOf(verdict.policiesEvaluated));
  text(4, verdict.reasoning);
  text(3, verdict.decisionPath);
  text(2, verdict.decisionId);
  whole(1, verdict.decision);
}

/** Ids of policies as field 5: the same list comes with every action of a type until a policy changes. */
const ids_written = new WeakMap<readonly string[], Uint8Array>();
const no_ids = new Uint8Array(0);

function idsOf(ids: readonly string[]): Uint8Array {
  if (ids.length === 0) {
    return no_ids;
  }
  let written = ids_written.get(ids);
  if (written === undefined) {
    const writer = new BinaryWriter();
    for (const id of ids) {
      writer.uint32(5 * 8 + 2).string(id);
    }
    written = writer.finish();
    ids_written.set(ids, written);
  }
  return written;
}

function writeConsumed({ actions, tokens, costUsdMicros, elapsedSeconds }: Consumed): void {
  whole(4, Number(elapsedSeconds));
  whole(3, Number(costUsdMicros));
  whole(2, Number(tokens));
  whole(1, Number(actions));
}

function writeReserved({ tokens, costUsdMicros }: Reserved): void {
  whole(2, Number(costUsdMicros));
  whole(1, Number(tokens));
}

function writeBudgetLeft(left: BudgetLeft): void {
  wholeIfGiven(5, left.idleSeconds);
  wholeIfGiven(4, left.ttlSeconds);
  wholeIfGiven(3, left.costUsdMicros);
  wholeIfGiven(2, left.tokens);
  wholeIfGiven(1, left.actions);
}

function writeTime({ seconds, nanos }: Timestamp): void {
  whole(2, nanos);
  whole(1, Number(seconds));
}

/** A number of 0 to 2^53-1; 0 is left out, as proto3 has it. */
function whole(field: number, value: number): void {
  if (value !== 0) {
    varint(value);
    varint(field * 8);
  }
}

/** Of a number that may be absent, 0 is a value: it is written. */
function wholeIfGiven(field: number, value: bigint | undefined): void {
  if (value !== undefined) {
    varint(Number(value));
    varint(field * 8);
  }
}

function double(field: number, value: number): void {
  if (!Object.is(value, 0)) {
    at -= 8;
    scratch.writeDoubleLE(value, at);
    varint(field * 8 + 1);
  }
}

function text(field: number, value: string): void {
  if (value !== "") {
    textIfGiven(field, value);
  }
}

function textIfGiven(field: number, value: string | undefined): void {
  if (value !== undefined) {
    const bytes = Buffer.byteLength(value, "utf8");
    at -= bytes;
    scratch.write(value, at, bytes, "utf8");
    head(field, bytes);
  }
}

function bytes(written: Uint8Array): void {
  at -= written.length;
  scratch.set(written, at);
}

/** What stands before bytes that are written: their length and the field. */
function head(field: number, bytes: number): void {
  varint(bytes);
  varint(field * 8 + 2);
}

function varint(value: number): void {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) {
    size += 1;
  }
  at -= size;
  let rest = value;
  for (let i = 0; i < size - 1; i++) {
    scratch[at + i] = (rest % 0x80) + 0x80;
    rest = Math.floor(rest / 0x80);
  }
  scratch[at + size - 1] = rest;
}
