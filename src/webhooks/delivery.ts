/** One try to hand a message to its receiver. */
import type { Message } from "./message.js";
import { signatureOf } from "./signature.js";

/**
 * What became of it: taken; refused, by a receiver that is there and does not want this message; or away,
 * when a later try is likely to do better. `why` tells nothing of the address.
 */
export type Outcome =
  | { readonly type: "taken" }
  | { readonly type: "refused"; readonly why: string }
  | { readonly type: "away"; readonly why: string; readonly retry_after_ms: number };

export interface Bounds {
  /** For all of a try: name, connection, TLS, request and reply. */
  readonly webhook_ms: number;
  /** Of a reply so much is read, so that its connection can be used again. */
  readonly webhook_reply_bytes: number;
}

/** Answers that say nothing of the message: the receiver is busy, slow, or not ready. */
const passing: ReadonlySet<number> = new Set([408, 425, 429]);

/**
 * Posts a message. A redirect is not followed: it would carry facts and a signature to an address that no
 * operator named.
 *
 * @param at of the signature, milliseconds since 1970
 * @param given_up ends the try
 */
export async function deliver(
  url: string,
  message: Message,
  secrets: readonly string[],
  at: number,
  bounds: Bounds,
  given_up: AbortSignal,
): Promise<Outcome> {
  // One of its own, not AbortSignal.any: that would stay registered at the long-lived one.
  const ending = new AbortController();
  const end = () => ending.abort();
  const timer = setTimeout(end, bounds.webhook_ms);
  given_up.addEventListener("abort", end);
  try {
    const reply = await fetch(url, {
      method: "POST",
      body: message.body,
      headers: {
        "content-type": "application/json",
        "user-agent": "killcord-webhook",
        "killcord-event": message.event,
        "killcord-event-id": message.entry_id,
        "killcord-signature": signatureOf(message.body, secrets, at),
      },
      redirect: "manual",
      signal: ending.signal,
    });
    await readOut(reply, bounds.webhook_reply_bytes);
    return outcomeOf(reply);
  } catch (error) {
    const why = ending.signal.aborted ? `no answer within ${bounds.webhook_ms} ms` : causeOf(error);
    return { type: "away", why, retry_after_ms: 0 };
  } finally {
    clearTimeout(timer);
    given_up.removeEventListener("abort", end);
  }
}

function outcomeOf({ ok, status, headers }: Response): Outcome {
  if (ok) {
    return { type: "taken" };
  }
  const why = `it answered ${status}`;
  if (status >= 400 && status < 500 && !passing.has(status)) {
    return { type: "refused", why };
  }
  const retry_after = headers.get("retry-after") ?? "";
  const retry_after_ms = /^\d{1,6}$/.test(retry_after) ? Number(retry_after) * 1000 : 0;
  return { type: "away", why, retry_after_ms };
}

async function readOut({ body }: Response, bytes_max: number): Promise<void> {
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > bytes_max) {
      return;
    }
  }
}

/** The code of what failed, since messages may name the address. */
function causeOf(error: unknown): string {
  const { cause } = error as { readonly cause?: { readonly code?: unknown } };
  return typeof cause?.code === "string" ? cause.code : "the connection failed";
}
