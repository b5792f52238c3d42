/** What outlives a process: a data directory, a disk, derived rows. Engines are started on it. */
import { randomBytes } from "node:crypto";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MemoryLevel } from "memory-level";
import type { Actor } from "../../src/core/actor.js";
import type { Event } from "../../src/core/event.js";
import { fromContent } from "../../src/engine/content.js";
import type { RowStore } from "../../src/engine/derived.js";
import { Engine } from "../../src/engine/engine.js";
import type { EngineOptions } from "../../src/engine/options.js";
import { bundle } from "../../src/vault/evidence.js";
import type { Journal } from "../../src/vault/journal.js";
import { node_crypto } from "../../src/vault/node-crypto.js";
import type { VaultOptions } from "../../src/vault/open-log.js";
import { openVault } from "../../src/vault/start.js";
import type { Vault } from "../../src/vault/vault.js";
import { verify } from "../../src/vault/verify.js";
import { type Disk, emptyDisk, MemoryJournal } from "../journal/memory.js";
import { createKey, touch } from "./asked.js";
import { ManualTime } from "./manual-time.js";

export interface Running {
  readonly engine: Engine;
  readonly vault: Vault;
  /** The workspace's first key. */
  readonly admin: Actor;
  /** What the engine said that the process must exit for. */
  readonly fatal: readonly Error[];
  /** Resolves when everything decided so far is durable and every timer's command too. */
  settle(): Promise<void>;
  /** The events of the log. */
  events(): Promise<readonly Event[]>;
}

export interface StartOptions {
  readonly journal?: Journal;
  readonly vault?: Partial<VaultOptions>;
  readonly engine?: Partial<EngineOptions>;
}

/** What tells how long a log once was. */
const evidence_of_end = ["checkpoints.log", "head"] as const;

const asBegun = (name: string) => `${name}.as-begun`;

export class Place {
  readonly directory: string;
  disk: Disk = emptyDisk();
  rows: RowStore = new MemoryLevel<string, string>();
  readonly time = new ManualTime();
  readonly #vaults: Vault[] = [];

  constructor(directory: string) {
    this.directory = directory;
  }

  async start({
    journal = new MemoryJournal(this.disk),
    engine: more = {},
    vault: more_of_vault = {},
  }: StartOptions = {}): Promise<Running> {
    await this.#end();
    const vault = await openVault({
      directory: this.directory,
      heartbeat_seconds: 60,
      journal,
      now: this.time.wall_ms,
      checkpoint_ms: 1,
      ...more_of_vault,
      random: randomBytes,
    });
    this.#vaults.push(vault);
    if (vault.created) {
      await this.#copy(evidence_of_end, evidence_of_end.map(asBegun));
    }
    const fatal: Error[] = [];
    const engine = await Engine.open({
      log: vault,
      rows: this.rows,
      heartbeat_seconds: 60,
      onFatal: (error) => fatal.push(error),
      time: this.time,
      ...more,
    });
    const admin = await firstKey(engine);
    return {
      engine,
      vault,
      admin,
      fatal,
      settle: async () => {
        await engine.submit(touch(admin, "none"));
      },
      events: () => eventsOf(vault),
    };
  }

  /** A new log under the same keys: only its first entry is there. */
  async begin(): Promise<void> {
    await this.#close();
    await this.crashedWith(this.disk.entries.slice(0, 1));
    this.rows = new MemoryLevel<string, string>();
    this.time.restart();
  }

  /** Lets the process end so early that only these entries are durable, and no checkpoint after the first. */
  async crashedWith(entries: Disk["entries"]): Promise<void> {
    await this.#end();
    await this.#copy(evidence_of_end.map(asBegun), evidence_of_end);
    await rm(join(this.directory, "log"), { recursive: true });
    await rm(join(this.directory, "snapshot"), { force: true });
    this.disk = { entries };
  }

  /** A process that is gone publishes nothing. */
  async #end(): Promise<void> {
    for (const { publication } of this.#vaults) {
      publication.stop(new Error("the process has ended"));
      await publication.close();
    }
  }

  async #copy(from: readonly string[], to: readonly string[]): Promise<void> {
    for (const [i, name] of from.entries()) {
      await copyFile(join(this.directory, name), join(this.directory, to[i] as string));
    }
  }

  /** Ends a process in order. */
  async stop({ engine, vault }: Running): Promise<void> {
    await engine.stop();
    await vault.close();
    this.time.restart();
  }

  async remove(): Promise<void> {
    await this.#close();
    await rm(this.directory, { recursive: true });
  }

  /** Ends what processes that are gone have left running in this one. */
  async #close(): Promise<void> {
    await Promise.all(this.#vaults.splice(0).map((vault) => vault.close()));
  }
}

export async function newPlace(): Promise<Place> {
  return new Place(await mkdtemp(join(tmpdir(), "killcord-engine-")));
}

async function firstKey(engine: Engine): Promise<Actor> {
  if (engine.state.keys.size === 0) {
    await engine.submit(createKey(["admin"]));
  }
  return { key_id: [...engine.state.keys.keys()][0] as string, role: "admin" };
}

/** What the offline verifier finds wrong with the log: a code and an entry each. */
export async function verifiedFailures(vault: Vault): Promise<readonly unknown[]> {
  const published = await vault.publication.covering(vault.head().size - 1, 20_000);
  let text = "";
  for await (const line of bundle(vault, published?.size ?? 0)) {
    text += line;
  }
  const evidence = { bundle: Buffer.from(text), log: null };
  const report = verify(evidence, Buffer.from(vault.trust()), { trust_given: true, crypto: node_crypto });
  return report.failures;
}

export async function eventsOf(vault: Vault): Promise<readonly Event[]> {
  const events: Event[] = [];
  for await (const { content, details, sequence_number } of vault.read(0, vault.head().size)) {
    events.push(fromContent(content, details, sequence_number));
  }
  return events;
}
