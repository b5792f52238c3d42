import { expect } from "chai";
import { limits } from "../../src/limits.js";
import { storedBytes } from "../../src/vault/batch.js";
import { HeadMoved, type Journal, type StoredEntry } from "../../src/vault/journal.js";

/** A place for one log. Each call of `journal` gives another journal on it, not yet opened. */
export interface Place {
  journal(): Journal;
  remove(): Promise<void>;
}

/** What is stored is opaque to a journal; only its size and its order matter. */
export function storedEntry(sequence_number: number, content_bytes = 20): StoredEntry {
  return {
    sequence_number,
    leaf: `{"leaf":${sequence_number}}`,
    content: `"${"c".repeat(content_bytes - 2)}"`,
    details: sequence_number % 2 === 0 ? null : `{"d":${sequence_number}}`,
  };
}

/** Entries with the indexes `from` to `to - 1`. */
export function storedEntries(from: number, to: number): readonly StoredEntry[] {
  return Array.from({ length: to - from }, (_, i) => storedEntry(from + i));
}

/** All of an async iterable. */
export async function collect<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const item of items) {
    all.push(item);
  }
  return all;
}

/** The error that an act ends with; fails when it ends well. */
export async function failure(act: () => Promise<unknown>): Promise<Error> {
  try {
    await act();
  } catch (error) {
    return error as Error;
  }
  throw new Error("an error was expected");
}

/** What every driver of the port must do. */
export function journalSuite(name: string, makePlace: () => Promise<Place>): void {
  describe(`the journal in ${name}`, () => {
    let place: Place;
    let journal: Journal;

    beforeEach(async () => {
      place = await makePlace();
      journal = place.journal();
    });

    afterEach(async () => {
      await journal.close();
      await place.remove();
    });

    const reopen = async (): Promise<number> => {
      await journal.close();
      journal = place.journal();
      return (await journal.open()).size;
    };
    const indexes = async (from: number, limit: number) =>
      (await collect(journal.read(from, limit))).map((entry) => entry.sequence_number);

    it("opens empty", async () => {
      expect(await journal.open()).to.deep.equal({ size: 0 });
      expect(await indexes(0, 10)).to.deep.equal([]);
    });

    it("gives back what was appended, byte for byte and in order", async () => {
      await journal.open();
      await journal.append({ size: 0 }, storedEntries(0, 3));
      await journal.append({ size: 3 }, storedEntries(3, 4));
      expect(await collect(journal.read(0, 10))).to.deep.equal(storedEntries(0, 4));
    });

    it("finds everything after it was closed and opened", async () => {
      await journal.open();
      await journal.append({ size: 0 }, storedEntries(0, 2));
      await journal.append({ size: 2 }, storedEntries(2, 300 - 44));
      await journal.append({ size: 256 }, storedEntries(256, 300));
      expect(await reopen()).to.equal(300);
      expect(await collect(journal.read(0, 1000))).to.deep.equal(storedEntries(0, 300));
      await journal.append({ size: 300 }, storedEntries(300, 301));
      expect(await reopen()).to.equal(301);
    });

    it("reads from the middle of a batch, over the end of it, and no more than asked", async () => {
      await journal.open();
      await journal.append({ size: 0 }, storedEntries(0, 3));
      await journal.append({ size: 3 }, storedEntries(3, 6));
      await journal.append({ size: 6 }, storedEntries(6, 7));
      for (let from = 0; from <= 8; from++) {
        for (let limit = 0; limit <= 8; limit++) {
          const expected = [0, 1, 2, 3, 4, 5, 6].slice(from, from + limit);
          expect(await indexes(from, limit), `from ${from}, ${limit}`).to.deep.equal(expected);
        }
      }
    });

    it("refuses a batch for another end than its own, and writes none of it", async () => {
      await journal.open();
      await journal.append({ size: 0 }, storedEntries(0, 2));
      for (const size of [0, 1, 3]) {
        const error = await failure(() => journal.append({ size }, storedEntries(size, size + 1)));
        expect(error).to.be.instanceOf(HeadMoved);
      }
      expect(await reopen()).to.equal(2);
    });

    it("refuses a batch that is empty, too long, too large or out of order, and writes none of it", async () => {
      await journal.open();
      const large = Array.from({ length: 100 }, (_, i) => storedEntry(i, limits.entry_bytes));
      const bad = [[], storedEntries(0, limits.batch_entries + 1), large, storedEntries(1, 2)];
      for (const batch of [...bad, [storedEntry(0), storedEntry(2)]]) {
        expect(await failure(() => journal.append({ size: 0 }, batch))).to.be.instanceOf(RangeError);
      }
      expect(await reopen()).to.equal(0);
    });

    it("takes a batch of the most entries, and one of the most bytes", async () => {
      await journal.open();
      await journal.append({ size: 0 }, storedEntries(0, limits.batch_entries));
      const first = limits.batch_entries;
      const large = Array.from({ length: 85 }, (_, i) => storedEntry(first + i, limits.entry_bytes));
      const rest = limits.batch_bytes - 3 - large.reduce((sum, entry) => sum + storedBytes(entry), 0);
      const last = storedEntry(first + 85);
      large.push(storedEntry(first + 85, rest - (storedBytes(last) - last.content.length)));
      await journal.append({ size: first }, large);
      expect(await reopen()).to.equal(first + 86);
      expect(await collect(journal.read(first, 100))).to.deep.equal(large);
    });

    it("can be read while it grows", async () => {
      await journal.open();
      await journal.append({ size: 0 }, storedEntries(0, 4));
      const seen: number[] = [];
      for await (const entry of journal.read(0, 4)) {
        seen.push(entry.sequence_number);
        await journal.append({ size: 4 + entry.sequence_number }, [storedEntry(4 + entry.sequence_number)]);
      }
      expect(seen).to.deep.equal([0, 1, 2, 3]);
      expect(await indexes(0, 100)).to.have.length(8);
    });

    it("can be left in the middle of a read", async () => {
      await journal.open();
      await journal.append({ size: 0 }, storedEntries(0, 4));
      for await (const entry of journal.read(0, 4)) {
        expect(entry.sequence_number).to.equal(0);
        break;
      }
      expect(await reopen()).to.equal(4);
    });

    it("does nothing before it is opened and after it is closed", async () => {
      const idle = async () => {
        expect(await failure(() => journal.append({ size: 0 }, storedEntries(0, 1)))).to.match(/not open/);
        expect(await failure(() => collect(journal.read(0, 1)))).to.match(/not open/);
      };
      await idle();
      await journal.open();
      await journal.close();
      await journal.close();
      await idle();
    });
  });
}
