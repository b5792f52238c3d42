/** The thread of a SigningThread: signs what it claims of a ring, and tells which messages it signed. */
import type { KeyObject } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import { signBytes } from "./signature.js";
import { awaitPosted, claim, type SigningRing, sign, textsOf } from "./signing-ring.js";

/** What the thread is given when it begins. */
export interface SigningWork {
  readonly key: KeyObject;
  readonly ring: SigningRing;
}

const { key, ring } = workerData as SigningWork;

// It never ends by itself: whoever began it terminates it, also while it waits.
for (let message = 0; ; message++) {
  awaitPosted(ring, message);
  if (claim(ring, message)) {
    sign(
      ring,
      message,
      textsOf(ring, message).map((text) => signBytes(key, text)),
    );
    parentPort?.postMessage(message);
  }
}
