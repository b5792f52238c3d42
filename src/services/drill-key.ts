/**
 * A key that the server makes for itself: sealed like any other, and good for a day. Its secret never
 * leaves the memory of the process, so nobody else can ever use it.
 */

import { isExpired } from "../core/access.js";
import type { Role } from "../core/actor.js";
import { system_actor } from "../core/actor.js";
import type { Engine } from "../engine/engine.js";
import { EngineFault } from "../engine/fault.js";
import { limits } from "../limits.js";
import { newSecret, secretDigest } from "./principal.js";

export interface OwnKey {
  readonly key_id: string;
  readonly secret: string;
}

export class DrillKey {
  readonly #engine: Engine;
  readonly #pepper: Uint8Array;
  readonly #name: string;
  readonly #role: Role;
  #key: Promise<OwnKey> | null = null;

  constructor(engine: Engine, pepper: Uint8Array, name: string, role: Role) {
    this.#engine = engine;
    this.#pepper = pepper;
    this.#name = name;
    this.#role = role;
  }

  /** The key, made when it is first needed, and anew when it is about to expire or was revoked. */
  async get(): Promise<OwnKey> {
    const kept = await this.#key?.catch(() => null);
    if (kept == null || !this.#isGood(kept.key_id)) {
      this.#key = this.#make();
    }
    return await (this.#key as Promise<OwnKey>);
  }

  #isGood(key_id: string): boolean {
    const key = this.#engine.state.keys.get(key_id);
    const soon = this.#engine.clock.now() + limits.drill_key_spare_ms;
    return key !== undefined && key.revoked === null && !isExpired(key, soon);
  }

  async #make(): Promise<OwnKey> {
    const secret = newSecret("kc_");
    const { reply } = await this.#engine.submit({
      type: "create_key",
      actor: system_actor,
      request_id: null,
      name: this.#name,
      roles: [this.#role],
      agent_id: null,
      secret_digest: secretDigest(this.#pepper, secret),
      ttl_seconds: limits.drill_key_seconds,
      repeat: null,
    });
    if (reply.type !== "key") {
      const why = reply.type === "refused" ? reply.message : `it was answered with ${reply.type}`;
      throw new EngineFault("unavailable", `no key could be made for the drill: ${why}`, null);
    }
    return { key_id: reply.key_id, secret };
  }
}
