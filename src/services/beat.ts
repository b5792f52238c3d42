/** Signs of life on a stream that has nothing to say. */
import type { InterceptStreamResponse } from "../../gen/killcord/v1/enforcement_pb.js";
import { limits } from "../limits.js";
import type { Outbox } from "./outbox.js";
import { messageOf } from "./stream-view.js";

/**
 * Puts a bookmark into an outbox whenever nothing else was sent for a while.
 *
 * @param after calls something later, and gives what calls it off
 * @returns what ends it
 */
export function keepAlive(
  outbox: Outbox<InterceptStreamResponse>,
  after: (wait_ms: number, act: () => void) => () => void,
): () => void {
  const spread = limits.bookmark_ms_max - limits.bookmark_ms_min;
  const wait_ms = limits.bookmark_ms_min + Math.random() * spread;
  let forget = after(wait_ms, beat);
  function beat(): void {
    const silent_ms = performance.now() - outbox.sent_ms;
    if (silent_ms >= wait_ms) {
      outbox.put(messageOf({ case: "bookmark", value: { draining: false } }));
    }
    forget = after(silent_ms >= wait_ms ? wait_ms : wait_ms - silent_ms, beat);
  }
  return () => forget();
}
