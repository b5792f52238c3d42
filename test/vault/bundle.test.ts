import { readFileSync } from "node:fs";
import { expect } from "chai";
import { bundleLines } from "../../src/vault/bundle.js";
import { canonical } from "../../src/vault/canonical.js";
import type { Envelope } from "../../src/vault/entry.js";
import { leafOf } from "../../src/vault/entry.js";
import type { Genesis } from "../../src/vault/genesis.js";
import type { StoredEntry } from "../../src/vault/journal.js";
import { collect } from "../journal/suite.js";

type Shown = Envelope & { readonly content: unknown; readonly details?: unknown };

// Made by another program.
const text = readFileSync("test/vectors/vault/bundles/good-base/bundle.json", "utf8");
const bundle = JSON.parse(text) as { checkpoint: string; generated_at: string; entries: readonly Shown[] };
const genesis = bundle.entries[0]?.content as Genesis;
const { checkpoint, generated_at } = bundle;
const header = { genesis, session_id: null, checkpoint, entry_count: bundle.entries.length, generated_at };

async function* stored(erased: readonly number[] = []): AsyncGenerator<StoredEntry> {
  for (const { content, details, ...envelope } of bundle.entries) {
    const { sequence_number } = envelope;
    const kept = details === undefined || erased.includes(sequence_number) ? null : canonical(details);
    yield { sequence_number, leaf: leafOf(envelope), content: canonical(content), details: kept };
  }
}

describe("a bundle", () => {
  it("has the bytes that another program gave the same log", async () => {
    const lines = await collect(bundleLines(header, stored()));
    expect(lines.join("")).to.equal(text);
  });

  it("leaves out details that were erased, and nothing else", async () => {
    const whole = await collect(bundleLines(header, stored()));
    const index = bundle.entries.findIndex((entry) => entry.details !== undefined);
    const erased = await collect(bundleLines(header, stored([index])));
    const { details, ...rest } = JSON.parse(`[${whole[index + 1]?.slice(0, -2)}]`)[0];
    expect(details).to.have.property("_salt");
    expect(erased[index + 1]).to.equal(`${canonical(rest)},\n`);
    expect(erased.filter((line, i) => line !== whole[i])).to.have.length(1);
  });

  it("is not ended when the log has fewer entries than its header says", async () => {
    const lines: string[] = [];
    const read = async () => {
      for await (const line of bundleLines({ ...header, entry_count: header.entry_count + 1 }, stored())) {
        lines.push(line);
      }
    };
    await read().then(
      () => expect.fail("an error was expected"),
      (error: Error) => expect(error.message).to.match(/lacks 1 of the 13 entries/),
    );
    expect(lines.at(-1)).not.to.equal("]}\n");
  });
});
