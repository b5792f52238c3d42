/** Shows a receiver who sent a message, and when: HMAC-SHA-256 under each secret that is in use. */
import { createHmac } from "node:crypto";

/**
 * The value of `Killcord-Signature`: `t=<unix seconds>,v1=<hex>` with one `v1` for each secret, so that
 * a receiver that knows the old or the new one is satisfied while they are exchanged. What is signed is
 * `<t>.<body>`: without the time an old message could be sent again for ever.
 *
 * @param body exactly as it is sent
 * @param at milliseconds since 1970
 */
export function signatureOf(body: string, secrets: readonly string[], at: number): string {
  const t = Math.floor(at / 1000);
  const signed = secrets.map((secret) => {
    const hmac = createHmac("sha256", secret).update(`${t}.${body}`).digest("hex");
    return `v1=${hmac}`;
  });
  return [`t=${t}`, ...signed].join(",");
}
