/** The first admin key: made at the first start, kept readable in one file for the operator. */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { system_actor } from "../core/actor.js";
import type { Engine } from "../engine/engine.js";
import { newSecret, secretDigest } from "../services/principal.js";

/** The first admin key, and where it is kept; no file when the operator brought the key. */
export interface AdminKey {
  readonly created: boolean;
  readonly secret: string | null;
  readonly file: string | null;
}

/**
 * Makes the first admin key if the workspace has no key yet. The file is written first: a crash
 * between the two leaves a secret that the next start makes good.
 */
export async function ensureAdminKey(
  engine: Engine,
  pepper: Uint8Array,
  directory: string,
  bootstrap_key: string | null,
): Promise<AdminKey> {
  const file = join(directory, "admin.key");
  if (engine.state.keys.size > 0) {
    return { created: false, secret: null, file: existsSync(file) ? file : null };
  }
  const secret = bootstrap_key ?? keptSecret(file) ?? writeSecret(file, newSecret("kc_"));
  await engine.submit({
    type: "create_key",
    actor: system_actor,
    request_id: null,
    name: "bootstrap",
    roles: ["admin"],
    agent_id: null,
    secret_digest: secretDigest(pepper, secret),
    ttl_seconds: null,
    repeat: null,
  });
  return { created: true, secret, file: bootstrap_key === null ? file : null };
}

function keptSecret(file: string): string | null {
  const text = existsSync(file) ? readFileSync(file, "utf8").trim() : "";
  return text === "" ? null : text;
}

function writeSecret(file: string, secret: string): string {
  const descriptor = openSync(file, "w", 0o600);
  try {
    writeSync(descriptor, `${secret}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  return secret;
}
