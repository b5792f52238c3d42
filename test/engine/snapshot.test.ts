import { copyFile, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import fc from "fast-check";
import { MemoryLevel } from "memory-level";
import { emptyState } from "../../src/core/state.js";
import { snapshotText, stateOf } from "../../src/engine/snapshot.js";
import { node_files } from "../../src/vault/files.js";
import type { Index, StoredEntry } from "../../src/vault/journal.js";
import { writeSnapshot } from "../../src/vault/snapshot-file.js";
import { digest } from "../core/digest.js";
import { MemoryJournal } from "../journal/memory.js";
import { intercept, start } from "./asked.js";
import { newPlace, type Place, type Running, verifiedFailures } from "./place.js";
import { run, scripts } from "./script.js";

/** A journal that remembers the lowest index that was read, but for the few that every start reads. */
class WatchedJournal extends MemoryJournal {
  readonly reads: (readonly [Index, number])[] = [];

  override read(from: Index, limit: number): AsyncIterable<StoredEntry> {
    this.reads.push([from, limit]);
    return super.read(from, limit);
  }
}

const often = { vault: { snapshot_entries: 5 } };
const never = { vault: { snapshot_entries: Number.POSITIVE_INFINITY } };

describe("a snapshot", () => {
  let place: Place;
  let path: string;

  before(async () => {
    place = await newPlace();
    path = join(place.directory, "snapshot");
    await place.start();
  });

  after(() => place.remove());

  const digests = ({ engine }: Running) => [digest(engine.state), digest(engine.projection.state)];

  /** A log with a snapshot at `size`, after which more was sealed; all of it published and closed. */
  async function log(): Promise<{ readonly size: number; readonly digests: readonly string[] }> {
    await place.begin();
    const first = await place.start(often);
    await first.engine.submit(start(first.admin, "s1", { max_actions: 50 }));
    for (let i = 0; i < 20; i++) {
      await first.engine.submit(intercept(first.admin, "s1"));
    }
    await place.stop(first);
    const second = await place.start(never);
    const size = second.vault.snapshots.used?.size ?? expect.fail("a snapshot is used");
    for (let i = 0; i < 3; i++) {
      await second.engine.submit(intercept(second.admin, "s1"));
    }
    await place.stop(second);
    const third = await place.start(never);
    const told = digests(third);
    await place.stop(third);
    return { size, digests: told };
  }

  /** A start; whether it used a snapshot, and what state it came to. */
  async function again() {
    const journal = new WatchedJournal(place.disk);
    const warnings: string[] = [];
    const running = await place.start({
      journal,
      vault: { ...never.vault, onWarning: (message) => warnings.push(message) },
    });
    const used = running.vault.snapshots.used?.size ?? null;
    const told = digests(running);
    expect(await verifiedFailures(running.vault)).to.deep.equal([]);
    await place.stop(running);
    return { used, digests: told, warnings, reads: journal.reads };
  }

  it("leads to the state that a replay of everything leads to", async () => {
    let used = 0;
    const property = fc.asyncProperty(scripts, async (script) => {
      await place.begin();
      const before = await place.start({ vault: { snapshot_entries: 2 } });
      await run(script, before, place.time);
      await before.settle();
      await place.stop(before);
      const quick = await again();
      used += quick.used === null ? 0 : 1;
      await rm(path, { force: true });
      const full = await again();
      expect(full.used).to.equal(null);
      expect(quick.digests).to.deep.equal(full.digests);
    });
    await fc.assert(property, { numRuns: 15 });
    expect(used).to.be.above(5);
  }).timeout(60_000);

  it("spares a start the entries below it", async () => {
    const { size, digests: expected } = await log();
    expect(size).to.be.above(20);
    const { used, digests: told, reads, warnings } = await again();
    expect([used, warnings]).to.deep.equal([size, []]);
    expect(told).to.deep.equal(expected);
    const long = reads.filter(([from, limit]) => from + 1 < size && limit > 1 && from < size - (size % 256));
    expect(long).to.deep.equal([]);
  });

  it("is not used when any byte of it is another", async () => {
    const { digests: expected } = await log();
    const bytes = await readFile(path);
    for (let at = 0; at < bytes.length; at += Math.ceil(bytes.length / 25)) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] as number) ^ 1;
      await writeFile(path, flipped);
      const { used, digests: told } = await again();
      expect(used, `byte ${at}`).to.equal(null);
      expect(told).to.deep.equal(expected);
    }
  }).timeout(60_000);

  it("is not used when the log does not name it, however well it is made", async () => {
    const { size, digests: expected } = await log();
    const running = await place.start(never);
    const { edge, state } = running.vault.snapshots.used ?? expect.fail("a snapshot");
    await place.stop(running);
    expect(edge.size).to.equal(size);
    const forged = state.replace('"spent":20', '"spent":2');
    expect(forged).not.to.equal(state);
    await writeSnapshot(place.directory, edge, forged, node_files);
    const { used, digests: told, warnings } = await again();
    expect([used, warnings.length]).to.deep.equal([null, 1]);
    expect(told).to.deep.equal(expected);
  });

  it("is not used when it is of other rules, or when rows of the entries below it are missing", async () => {
    const { digests: expected } = await log();
    const kept = place.rows;
    place.rows = new MemoryLevel<string, string>();
    const without_rows = await again();
    expect([without_rows.used, without_rows.digests]).to.deep.equal([null, expected]);
    expect(without_rows.reads.some(([from, limit]) => from === 0 && limit > 10)).to.equal(true);
    place.rows = kept;
    expect((await again()).used).not.to.equal(null);
    const text = snapshotText(emptyState());
    expect(stateOf(text)).to.deep.equal(emptyState());
    expect(stateOf(text.replace(/"rules":"[0-9a-f]{8}/, '"rules":"00000000'))).to.equal(null);
  });

  it("is not used where all of the log is asked for", async () => {
    const { digests: expected } = await log();
    const running = await place.start({ vault: { ...never.vault, whole: true } });
    expect([running.vault.snapshots.used, digests(running)]).to.deep.equal([null, expected]);
    await place.stop(running);
  });

  it("is not used above the newest checkpoint", async () => {
    await log();
    const kept = join(place.directory, "kept");
    await copyFile(join(place.directory, "checkpoints.log.as-begun"), kept);
    await copyFile(kept, join(place.directory, "checkpoints.log"));
    // What is shown there counts as signed too.
    await rm(join(place.directory, "log", "checkpoint"));
    const { used } = await again();
    expect(used).to.equal(null);
  });

  it("is kept at once by a start that had to replay a lot, and spares the next that", async () => {
    await log();
    await rm(path);
    const running = await place.start(often);
    expect(running.vault.snapshots.used).to.equal(null);
    const size = running.vault.head().size;
    await running.vault.publication.covering(size - 1, 20_000);
    await place.stop(running);
    expect((await again()).used).to.equal(size - 1);
  });

  it("finds damage below it when it turns out to be of no use", async () => {
    await log();
    place.rows = new MemoryLevel<string, string>();
    const entry = place.disk.entries[7] as StoredEntry;
    place.disk.entries[7] = { ...entry, content: entry.content.replace('"', '"\\u0020') };
    const refused = await place.start(never).then(
      () => null,
      (error: { readonly code?: string }) => error.code,
    );
    expect(refused).to.equal("start.damaged");
    place.disk.entries[7] = entry;
  });
});
