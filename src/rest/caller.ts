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

/** Watches the caller of a response for so long at most; null: as long as it stays. */
export function watchCaller(res: Outgoing, call_ms: number | null): CallerWatch {
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
  const timer = call_ms === null ? undefined : setTimeout(() => giveUp(tooLate(call_ms)), call_ms);
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

function tooLate(call_ms: number): KillcordError {
  const text = `no answer within ${call_ms / 1000} s; the outcome is unknown: repeat with the same Idempotency-Key`;
  return new KillcordError("deadline_exceeded", text);
}

/** Resolves as `work` does, or rejects with the reason of `signal` if that aborts first. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort);
    if (signal.aborted) {
      abort();
    }
    const settled = () => signal.removeEventListener("abort", abort);
    work.then(resolve, reject).then(settled);
  });
}
