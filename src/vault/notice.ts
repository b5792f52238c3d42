/** A fact that the vault itself seals; the replay of a verifier ignores it (vault-format.md, 3). */
import type { Json } from "./canonical.js";
import type { Draft } from "./chain.js";

/** @param at not before what is sealed already */
export function noticeOf(
  kind: "snapshot" | "vault_repaired",
  body: { readonly [member: string]: Json },
  at: string,
  random: (bytes: number) => Uint8Array,
): Draft {
  const content = {
    event: "notice",
    at,
    actor: { key_id: null, role: "system" },
    _salt: Buffer.from(random(16)).toString("hex"),
    session_id: null,
    session_index: null,
    kind,
    body,
  };
  return { content, details: null };
}
