/** A stream ends with the key that it was opened with. */
import type { DescMethod } from "@bufbuild/protobuf";
import { insteadOf } from "../core/access.js";
import type { Key } from "../core/state.js";
import type { Context } from "./context.js";
import type { Call } from "./door.js";
import { KillcordError } from "./errors.js";
import { teachesStop } from "./roles.js";

/**
 * Yields what a stream yields until its caller's key is revoked or past its end, which is told at
 * that moment and not with the next message. A revoked credential keeps the streams that teach it
 * the stop of its sessions: those end with the sessions.
 *
 * @param open begins the stream; it has to end when the signal of the call that it gets aborts
 * @throws {KillcordError} expired_api_key
 */
export async function* untilKeyEnds<Message>(
  { engine }: Context,
  method: DescMethod,
  call: Call,
  open: (call: Call) => AsyncIterable<Message>,
): AsyncGenerator<Message, void, undefined> {
  const over = new AbortController();
  const leave = engine.key_ends.onEnd(call.principal.key_id, (key) => {
    if (key.revoked === null || key.kind === "key" || !teachesStop(method)) {
      over.abort(spent(key));
    }
  });
  const signal = AbortSignal.any([call.signal, over.signal]);
  try {
    for await (const message of open({ ...call, signal })) {
      over.signal.throwIfAborted();
      yield message;
    }
    over.signal.throwIfAborted();
  } finally {
    leave();
  }
}

function spent(key: Key): KillcordError {
  return key.revoked === null
    ? new KillcordError("expired_api_key", `the key ${key.key_id} has expired: ${insteadOf(key)}`)
    : new KillcordError("expired_api_key", `the key ${key.key_id} was revoked: ask an admin for a new one`);
}
