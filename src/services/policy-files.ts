/**
 * Keeps the policies in force those of a directory. A directory with a fault changes nothing: what was
 * in force stays so, and whoever runs the server is told file, line and column.
 */
import { randomBytes } from "node:crypto";
import { system_actor } from "../core/actor.js";
import type { Engine } from "../engine/engine.js";
import { limits } from "../limits.js";
import { breath } from "../policies/breath.js";
import { type Change, difference } from "../policies/difference.js";
import { readPolicyFolder } from "../policies/folder.js";
import type { FiledPolicy, FileFault } from "../policies/policy-file.js";
import { watchFolder } from "../policies/watch-folder.js";

/** How the directory was found when it was read last. */
export interface PolicyFilesState {
  /** When the policies in force were those of the files last; null for not since the start. */
  readonly loaded_at: number | null;
  /** What is wrong with the files as they are now. */
  readonly faults: readonly FileFault[];
}

/** What came of one reading. */
export interface Loaded extends PolicyFilesState {
  /** What was changed, without what stayed as it was. */
  readonly changes: readonly Change[];
}

/** Whom to tell of every reading that changed something or found a fault. */
export type OnLoaded = (loaded: Loaded) => void;

export class PolicyFiles {
  readonly #engine: Engine;
  readonly #directory: string;
  readonly #onLoaded: OnLoaded;
  #state: PolicyFilesState = { loaded_at: null, faults: [] };
  #reading: Promise<void> | null = null;
  #is_stale = false;
  #end: (() => void) | null = null;

  constructor(engine: Engine, directory: string, onLoaded: OnLoaded) {
    this.#engine = engine;
    this.#directory = directory;
    this.#onLoaded = onLoaded;
  }

  get state(): PolicyFilesState {
    return this.#state;
  }

  /** Whether any policy in force came from files, now or at an earlier start. */
  get in_force(): boolean {
    return [...this.#engine.state.policies.values()].some(({ document }) => document.source === "file");
  }

  /** Reads the directory, and again if it changes meanwhile. */
  read(): Promise<void> {
    this.#is_stale = true;
    this.#reading ??= this.#readAll().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  /** From here on reads the directory whenever it changes. */
  async watch(): Promise<void> {
    const { policy_settle_ms: settle_ms, policy_check_ms: check_ms } = limits;
    this.#end = await watchFolder(this.#directory, () => void this.read(), { settle_ms, check_ms });
  }

  end(): void {
    this.#end?.();
  }

  async #readAll(): Promise<void> {
    while (this.#is_stale) {
      this.#is_stale = false;
      const { changes, ...state } = await this.#load();
      const is_news = changes.length > 0 || textOf(state) !== textOf(this.#state);
      this.#state = state;
      if (is_news) {
        this.#onLoaded({ changes, ...state });
      }
    }
  }

  async #load(): Promise<Loaded> {
    const { loaded_at } = this.#state;
    const { policies, faults } = await readPolicyFolder(this.#directory, newId);
    if (faults.length > 0) {
      return { loaded_at, faults, changes: [] };
    }
    const wanted = policies.map(({ document }) => document);
    const found = difference(wanted, [...this.#engine.state.policies.values()], true);
    if (found.taken.length > 0) {
      const names = new Map(found.taken.map(({ name, policy_id }) => [name, policy_id]));
      return { loaded_at, faults: policies.flatMap((policy) => takenFault(policy, names)), changes: [] };
    }
    const changes = found.changes.filter(({ kind }) => kind !== "unchanged");
    try {
      await this.#sealAll(changes);
      return { loaded_at: this.#engine.clock.now(), faults: [], changes };
    } catch (error) {
      const message = `the change cannot be sealed: ${(error as Error).message}`;
      return { loaded_at, faults: [{ file: this.#directory, line: 1, column: 1, message }], changes: [] };
    }
  }

  /** In one turn of the event loop where that is short, so that no action is judged by half of them. */
  async #sealAll(changes: readonly Change[]): Promise<void> {
    const sealed: Promise<void>[] = [];
    let begun_ms = performance.now();
    for (const change of changes) {
      sealed.push(this.#seal(change));
      // Heard by whoever awaits all of them.
      sealed.at(-1)?.catch(() => {});
      if (performance.now() - begun_ms > limits.policy_turn_ms) {
        await breath();
        begun_ms = performance.now();
      }
    }
    await Promise.all(sealed);
  }

  async #seal({ document, before }: Change): Promise<void> {
    const {
      policy_id,
      source: _side,
      ...members
    } = document ?? { policy_id: before?.policy_id ?? "", source: null };
    const { reply } = await this.#engine.submit({
      type: "change_policy",
      change: document === null ? "deleted" : "deployed",
      policy_id,
      written: document === null ? null : members,
      source: "file",
      repeat: null,
      actor: system_actor,
      request_id: null,
    });
    if (reply.type === "refused") {
      throw new Error(reply.message);
    }
  }
}

function newId(): string {
  return randomBytes(16).toString("hex");
}

function takenFault(
  { document, file, line, column }: FiledPolicy,
  taken: ReadonlyMap<string, string>,
): readonly FileFault[] {
  const policy_id = taken.get(document.name);
  const message = `name: ${JSON.stringify(document.name)} is a policy that a call made (${policy_id}): delete that one, or take another name`;
  return policy_id === undefined ? [] : [{ file, line, column, message }];
}

/** Two readings that say the same are told once. */
function textOf({ faults }: PolicyFilesState): string {
  return JSON.stringify(faults);
}
