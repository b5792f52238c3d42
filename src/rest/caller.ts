/** Whether a caller still waits: it may go away, or the time may be over. */
import { KillcordError } from "../services/errors.js";
import { isGone, type Outgoing } from "./exchange.js";

/** A call that is being watched. */
export interface CallerWatch {
  /** Aborts when the caller has gone or the time is over. */
  readonly signal: AbortSignal;
  /** Rejects at the same moment, with canceled or deadline_exceeded. */
  readonly given_up: Promise<never>;
  /** Ends the watch. */
  end(): void;
}

/** Watches the caller of a response for so long at most. */
export function watchCaller(res: Outgoing, call_ms: number): CallerWatch {
  const controller = new AbortController();
  let reject: (reason: KillcordError) => void;
  const given_up = new Promise<never>((_, rejectPromise) => {
    reject = rejectPromise;
  });
  // Nobody may be waiting yet, or any more.
  given_up.catch(() => undefined);

  function giveUp(reason: KillcordError): void {
    controller.abort(reason);
    reject(reason);
  }
  function onClose(): void {
    giveUp(new KillcordError("canceled", "the caller has gone"));
  }
  const timer = setTimeout(() => {
    const seconds = call_ms / 1000;
    giveUp(
      new KillcordError(
        "deadline_exceeded",
        `no answer within ${seconds} s; the outcome is unknown: repeat with the same Idempotency-Key`,
      ),
    );
  }, call_ms);
  if (isGone(res)) {
    onClose();
  } else {
    res.once("close", onClose);
  }
  function end(): void {
    clearTimeout(timer);
    res.off("close", onClose);
  }
  return { signal: controller.signal, given_up, end };
}
