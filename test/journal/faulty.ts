import type { Batch, Head, Index, Journal, StoredEntry } from "../../src/vault/journal.js";

/** A failure that nobody can look behind: was it before or after the deed? */
export type Flavour = "lost" | "stored";

type Call = "open" | "append" | "read" | "close";

/** The error that a planned fault raises. */
export class InjectedFault extends Error {
  constructor(call: Call, flavour: Flavour) {
    super(`EIO: ${call} failed (${flavour})`);
    this.name = "InjectedFault";
  }
}

interface Fault {
  readonly call: Call;
  readonly flavour: Flavour;
  skip: number;
}

/**
 * A journal whose calls fail as planned: *lost* fails and does nothing, *stored* does all of it and
 * then fails. A read that is lost gives no entry, one that is stored gives all and fails at the end.
 */
export class FaultyJournal implements Journal {
  readonly #journal: Journal;
  #faults: Fault[] = [];

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** Plans one fault of a call, after `skip` calls of it that work. */
  fail(call: Call, flavour: Flavour, skip = 0): void {
    this.#faults.push({ call, flavour, skip });
  }

  open(): Promise<Head> {
    return this.#run("open", () => this.#journal.open());
  }

  append(expected: Head, batch: Batch): Promise<void> {
    return this.#run("append", () => this.#journal.append(expected, batch));
  }

  async *read(from: Index, limit: number): AsyncIterable<StoredEntry> {
    const flavour = this.#due("read");
    if (flavour !== "lost") {
      yield* this.#journal.read(from, limit);
    }
    if (flavour !== null) {
      throw new InjectedFault("read", flavour);
    }
  }

  close(): Promise<void> {
    return this.#run("close", () => this.#journal.close());
  }

  async #run<T>(call: Call, act: () => Promise<T>): Promise<T> {
    const flavour = this.#due(call);
    if (flavour === null) {
      return act();
    }
    if (flavour === "stored") {
      await act();
    }
    throw new InjectedFault(call, flavour);
  }

  /** The fault that is due at this call, if one is. */
  #due(call: Call): Flavour | null {
    const planned = this.#faults.filter((fault) => fault.call === call);
    const due = planned.find((fault) => fault.skip === 0);
    this.#faults = this.#faults.filter((fault) => fault !== due);
    for (const fault of planned) {
      fault.skip = Math.max(0, fault.skip - 1);
    }
    return due?.flavour ?? null;
  }
}
