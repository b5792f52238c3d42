/**
 * Makes logs for tests, with the public keys of the vectors: what a writer could seal, right or wrong.
 * Written against vault-format.md and not with the product's own writer.
 */
import { createHash, createPrivateKey, type KeyObject, sign } from "node:crypto";
import { canonical } from "../../../src/vault/canonical.js";
import { growTree, leafHash, rootAt } from "../../../src/vault/merkle.js";
import { node_crypto } from "../../../src/vault/node-crypto.js";
import { vector } from "../../vectors.js";

interface PrivateKey {
  readonly TEST_ONLY_private_key_pkcs8_base64: string;
}

interface TestKey extends PrivateKey {
  readonly key_id: string;
  readonly spki_base64: string;
  readonly public_key_pem: string;
}

/** An Ed25519 key, and the name of a witness who has it. */
interface RawKey extends PrivateKey {
  readonly name: string;
  readonly public_key_base64: string;
}

const file = vector<{
  readonly origin: string;
  readonly keys: {
    readonly entry_root: TestKey;
    readonly entry_1: TestKey;
    readonly entry_2: TestKey;
    readonly checkpoint_p256: TestKey;
    readonly checkpoint_ed25519: RawKey;
    readonly witnesses: readonly RawKey[];
  };
}>("vault/entry.json");

export const origin = file.origin;
export const workspace_id = "ws_7f3a9c2e41d0";
export const keys = file.keys;
const first_at = Date.parse("2026-11-22T17:00:00.000Z");

const parsed = new Map<string, KeyObject>();

/** The private key, parsed once. */
function privateKey({ TEST_ONLY_private_key_pkcs8_base64: text }: PrivateKey): KeyObject {
  const key =
    parsed.get(text) ?? createPrivateKey({ key: Buffer.from(text, "base64"), format: "der", type: "pkcs8" });
  parsed.set(text, key);
  return key;
}

const hash = (text: string) => createHash("sha256").update(text).digest("hex");
const signText = (text: string, key: TestKey) =>
  sign("sha256", Buffer.from(text), privateKey(key)).toString("base64");

/** The moment so many seconds after the first entry. */
export function at(seconds: number): string {
  return new Date(first_at + seconds * 1000).toISOString();
}

/** A key as the log states it, certified by the root. */
export function certified(key: TestKey, first_sequence: number) {
  const stated = {
    key_id: key.key_id,
    algorithm: "ECDSA_P256_SHA256",
    public_key: key.spki_base64,
    backend: "local",
    created_at: at(first_sequence),
    first_sequence,
    root_key_id: keys.entry_root.key_id,
  };
  const { backend, created_at } = stated;
  const lines = [
    "killcord-entry-key/v1",
    origin,
    key.key_id,
    first_sequence,
    created_at,
    backend,
    key.spki_base64,
  ];
  return { ...stated, certificate: signText(`${lines.join("\n")}\n`, keys.entry_root) };
}

/** What an entry says; what every content has is added, and may be given. */
export interface Draft {
  readonly event: string;
  readonly details?: object;
  readonly signed_at?: string;
  readonly [member: string]: unknown;
}

/** The key in force from the first entry on. Certified once: signatures come out different each time. */
export const first_key = certified(keys.entry_1, 0);

export const genesis: Draft = {
  event: "vault_opened",
  format: "killcord-vault/1",
  origin,
  workspace_id,
  entry_key: first_key,
  entry_root_key_id: keys.entry_root.key_id,
  checkpoint_keys: [],
  heartbeat_seconds: 60,
};

export const system = { key_id: null, role: "system" };
export const operator = { key_id: "key_operator", role: "operator" };

export type MadeEntry = Readonly<Record<string, unknown>> & {
  readonly content: Readonly<Record<string, unknown>>;
};

/** Seals contents one after the other, a second apart; session_index counts by itself. */
export function seal(drafts: readonly Draft[]): MadeEntry[] {
  const entries: MadeEntry[] = [];
  const indexes = new Map<string, number>();
  let previous_hash: string | null = null;
  let key = keys.entry_1;
  for (const [sequence, { details, signed_at = at(sequence), ...draft }] of drafts.entries()) {
    const session_id = draft.session_id;
    const counted = typeof session_id === "string" ? { session_index: indexes.get(session_id) ?? 0 } : {};
    if (typeof session_id === "string") {
      indexes.set(session_id, ((draft.session_index as number) ?? counted.session_index) + 1);
    }
    const details_digest = details === undefined ? {} : { details_digest: hash(canonical(details)) };
    const _salt = hash(`salt ${sequence}`).slice(0, 32);
    const content = { at: at(sequence), actor: system, _salt, ...counted, ...draft, ...details_digest };
    const content_hash = hash(canonical(content));
    const line = `${sequence}|${previous_hash ?? "genesis"}|${content_hash}|audit_event|${signed_at}`;
    const entry_hash = hash(line);
    entries.push({
      v: 1,
      log: origin,
      sequence_number: sequence,
      entry_id: `ve_${sequence.toString(16).padStart(12, "0")}${entry_hash.slice(0, 12)}`,
      entry_type: "audit_event",
      previous_hash,
      content_hash,
      entry_hash,
      signed_at,
      signature: { key_id: key.key_id, algorithm: "ECDSA_P256_SHA256", value: signText(entry_hash, key) },
      content,
      ...(details === undefined ? {} : { details }),
    });
    previous_hash = entry_hash;
    key = draft.event === "key_rotated" && draft.purpose === "entry" ? keys.entry_2 : key;
  }
  return entries;
}

/** As many witnesses as the trust file of the vectors demands, just after the log was made. */
export const by_quorum = [0, 1].map((key) => [file.keys.witnesses[key]?.name ?? "", key, at(3600)] as const);

/** A bundle's text: the header with what is given, one line an entry; its checkpoint is that of the entries. */
export function bundleText(
  entries: readonly object[],
  header: Readonly<Record<string, unknown>> = {},
): string {
  const last = entries.at(-1) as { readonly signed_at?: unknown } | undefined;
  const { public_key: _key, ...listed } = first_key;
  const stated = {
    format: "killcord-bundle/v1",
    compatible_with: ["xybern-proof-bundle/v1"],
    vault_version: "1",
    hash_algorithm: "sha256",
    canonical_content:
      "JSON, keys sorted by code point, no spaces, ASCII with \\uXXXX escapes, integers only",
    entry_hash_formula: "sha256(sequence_number|previous_hash or genesis|content_hash|entry_type|signed_at)",
    signature_scheme: "ECDSA P-256 with SHA-256 over the hex text of entry_hash, DER, base64",
    kind: "full",
    log: origin,
    workspace_id,
    entry_count: entries.length,
    generated_at: last?.signed_at ?? at(0),
    signing_keys: [{ ...listed, public_key_pem: keys.entry_1.public_key_pem }],
    ...header,
    checkpoint: header.checkpoint ?? checkpointOf(entries as readonly MadeEntry[], by_quorum),
  };
  const first = `${canonical(stated, 1024 * 1024).slice(0, -1)},"entries":[`;
  const lines = entries.map(
    (entry, i) => canonical(entry, 1024 * 1024, 40) + (i + 1 < entries.length ? "," : ""),
  );
  return [first, ...lines, "]}", ""].join("\n");
}

/** A bundle of a genesis and what follows it. */
export function made(drafts: readonly Draft[], header: Readonly<Record<string, unknown>> = {}): string {
  return bundleText(seal([genesis, ...drafts]), header);
}

const no_amounts = { tokens: 0, cost_usd_micros: 0 };

/** Totals of a session: so many actions and nothing else. */
export function totals(actions: number) {
  return { consumed: { actions, ...no_amounts }, reserved: no_amounts };
}

/** The start of a session of the agent `bot`, without limits. */
export function started(session_id: string, more: Readonly<Record<string, unknown>> = {}): Draft {
  const { budgets, ...rest } = more;
  return {
    event: "session_started",
    session_id,
    agent_id: "bot",
    credential_id: null,
    parent_session_id: null,
    labels: [],
    budgets: {
      max_actions: null,
      max_tokens: null,
      max_cost_usd_micros: null,
      ttl_seconds: null,
      idle_timeout_seconds: null,
      ...(budgets as object | undefined),
    },
    expires_at: null,
    on_exceeded: "terminate",
    lease_seconds: null,
    on_lease_lost: null,
    drill_id: null,
    ...rest,
  };
}

let decisions = 0;

/** A decision; `actions` are the session's after it. */
export function decided(
  session_id: string | null,
  decision: string,
  actions: number,
  more: Readonly<Record<string, unknown>> = {},
): Draft {
  decisions += 1;
  const loose = { session_index: null, consumed: null, reserved: null };
  return {
    event: "enforcement_decision",
    session_id,
    decision_id: `enf_${decisions}`,
    agent_id: "bot",
    credential_id: null,
    action_type: "step",
    decision,
    decision_path: "fast",
    reasoning: "No policies triggered",
    trust_score: null,
    policies_triggered: [],
    policy_set_digest: hash("[]"),
    latency_us: 1,
    chain: null,
    action_digest: null,
    action_length: null,
    details_digest: null,
    charge: null,
    reservation: null,
    cause: null,
    escalation_id: null,
    ...(session_id === null ? loose : totals(actions)),
    ...more,
  };
}

/** A halt by an operator. */
export function halted(
  kind: string,
  id: string,
  session_count: number,
  more: Readonly<Record<string, unknown>> = {},
): Draft {
  decisions += 1;
  return {
    event: "halt_requested",
    actor: operator,
    halt_id: `halt_${decisions}`,
    scope: { kind, id },
    mode: "kill",
    reason: "stop",
    session_count,
    drill_id: null,
    ...more,
  };
}

/** The kill of a session by an earlier entry. */
export function killed(
  session_id: string,
  stop_reason: string,
  cause: { readonly event: string; readonly sequence: number },
  actions = 0,
): Draft {
  return {
    event: "session_killed",
    session_id,
    agent_id: "bot",
    stop_reason,
    reason: "stopped",
    cause,
    halt_id: `halt_of_${session_id}`,
    ...totals(actions),
  };
}

/** The pause of a session by an earlier entry. */
export function paused(session_id: string, event: string, sequence: number): Draft {
  const cause = { event, sequence };
  return { event: "session_paused", session_id, reason: "held", cause, halt_id: `halt_of_${session_id}` };
}

export function resumed(session_id: string): Draft {
  return { event: "session_resumed", session_id, reason: "go on", cause: null };
}

export function ended(session_id: string, actions = 0, cause: object | null = null): Draft {
  return { event: "session_ended", session_id, agent_id: "bot", reason: null, cause, ...totals(actions) };
}

export function exceeded(session_id: string, owner: string, limit: number, more: object = {}): Draft {
  return {
    event: "budget_exceeded",
    session_id,
    owner_session_id: owner,
    unit: "actions",
    limit,
    spent: limit,
    reserved: 0,
    requested: 1,
    on_exceeded: "terminate",
    ...more,
  };
}

export function revoked(
  event: "credential_revoked" | "agent_revoked",
  id: string,
  sessions: readonly string[],
  more: object = {},
): Draft {
  const list = { killed_count: sessions.length, killed_sessions: sessions, reason: "", actor: operator };
  return event === "agent_revoked"
    ? { event, agent_id: id, revoked_credentials: [], ...list, ...more }
    : { event, credential_id: id, agent_id: "bot", cascade: "credential", ...list, ...more };
}

export function issued(credential_id: string, parent_credential_id: string | null = null): Draft {
  const none = { secret_digest: null, expires_at: null };
  return { event: "credential_issued", credential_id, agent_id: "bot", parent_credential_id, ...none };
}

/** The root of the tree over these entries. */
export function rootOf(entries: readonly MadeEntry[]): Uint8Array {
  const leaves = entries.map(({ content: _content, details: _details, ...envelope }) =>
    leafHash(Buffer.from(canonical(envelope)), node_crypto.sha256),
  );
  return rootAt(growTree(Buffer.concat(leaves), node_crypto.sha256), entries.length, node_crypto.sha256);
}

/** The hashes that lead from an entry to the root over these, leaf to root, base64 (RFC 6962, 2.1.1). */
export function proofOf(entries: readonly MadeEntry[], index: number): readonly string[] {
  if (entries.length === 1) {
    return [];
  }
  const half = 2 ** Math.ceil(Math.log2(entries.length) - 1);
  const [left, right] = [entries.slice(0, half), entries.slice(half)];
  const [inside, beside] =
    index < half ? [proofOf(left, index), right] : [proofOf(right, index - half), left];
  return [...inside, Buffer.from(rootOf(beside)).toString("base64")];
}

/** The verifier key of a witness. */
export function witnessKey(name: string, { public_key_base64 }: RawKey): string {
  const typed = Buffer.concat([Buffer.of(4), Buffer.from(public_key_base64, "base64")]);
  const id = createHash("sha256").update(`${name}\n`).update(typed).digest("hex").slice(0, 8);
  return `${name}+${id}+${typed.toString("base64")}`;
}

/** One line of a note: who signed, and what. */
type Signed = readonly [name: string, id: string, signature: Uint8Array];

function byWitness(text: string, name: string, key: RawKey, seconds: number): Signed {
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(seconds));
  const signature = sign(null, Buffer.from(`cosignature/v1\ntime ${seconds}\n${text}`), privateKey(key));
  return [name, witnessKey(name, key).split("+")[1] as string, Buffer.concat([time, signature])];
}

/** The checkpoint of these entries, by the log's keys and by witnesses: name, number of the key, when. */
export function checkpointOf(
  entries: readonly MadeEntry[],
  cosigned: readonly (readonly [name: string, key: number, at: string])[] = [],
  change: { readonly size?: number; readonly root?: Uint8Array; readonly types?: readonly (1 | 2)[] } = {},
): string {
  const { size = entries.length, root = rootOf(entries), types = [1, 2] } = change;
  const text = `${origin}\n${size}\n${Buffer.from(root).toString("base64")}\n`;
  const bytes = Buffer.from(text);
  const own: readonly Signed[] = [
    [origin, "2573e3da", sign(null, bytes, privateKey(keys.checkpoint_ed25519))],
    [origin, "df1119cc", sign("sha256", bytes, privateKey(keys.checkpoint_p256))],
  ];
  const lines = [
    ...types.map((type) => own[type - 1] as Signed),
    ...cosigned.map(([name, key, at]) =>
      byWitness(text, name, keys.witnesses[key] as RawKey, Date.parse(at) / 1000),
    ),
  ];
  const rows = lines.map(
    ([name, id, signature]) =>
      `\u2014 ${name} ${Buffer.concat([Buffer.from(id, "hex"), signature]).toString("base64")}\n`,
  );
  return `${text}\n${rows.join("")}`;
}
