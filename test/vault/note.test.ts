import { expect } from "chai";
import { parseCheckpoint } from "../../src/vault/checkpoint.js";
import { node_crypto } from "../../src/vault/node-crypto.js";
import { type NoteKey, openNote, parseNote, parseNoteKey } from "../../src/vault/note.js";
import { vector } from "../vectors.js";

const cases = vector<{
  readonly vkeys: readonly {
    readonly id: string;
    readonly vkey: string;
    readonly name: string;
    readonly key_id: string;
    readonly type: number;
    readonly public_key_base64: string;
  }[];
  readonly bad_vkeys: readonly { readonly vkey: string; readonly reason: string }[];
  readonly notes: readonly {
    readonly name: string;
    readonly keys: readonly string[];
    readonly note?: string;
    readonly note_base64?: string;
    readonly code: string | null;
    readonly verified?: readonly string[];
  }[];
  readonly checkpoints: readonly { readonly name: string; readonly text: string; readonly ok: boolean }[];
}>("vault/note.json");

const parse = (vkey: string) => parseNoteKey(vkey, node_crypto.sha256);
const keys = new Map(cases.vkeys.map(({ id, vkey }) => [id, parse(vkey) as NoteKey]));

describe("verifier keys", () => {
  it("are read from their text", () => {
    for (const { vkey, name, key_id, type, public_key_base64 } of cases.vkeys) {
      const key = parse(vkey);
      expect(key, vkey).to.include({ name, id: key_id, type });
      expect(Buffer.from(key?.key ?? []).toString("base64")).to.equal(public_key_base64);
    }
  });

  for (const { vkey, reason } of cases.bad_vkeys) {
    it(`are refused: ${reason}`, () => {
      expect(parse(vkey)).to.equal(null);
    });
  }
});

describe("signed notes", () => {
  for (const { name, keys: ids, note, note_base64, code, verified } of cases.notes) {
    it(code === null ? `open: ${name}` : `are refused with ${code}: ${name}`, () => {
      const parsed = parseNote(note ?? new Uint8Array(Buffer.from(note_base64 ?? "", "base64")));
      if (code === "note.syntax") {
        expect(parsed).to.equal(null);
        return;
      }
      expect(parsed).to.not.equal(null);
      const known = ids.map((id) => keys.get(id) as NoteKey);
      const opened = openNote(parsed as NonNullable<typeof parsed>, known, node_crypto);
      if ("code" in opened) {
        expect(opened.code).to.equal(code);
      } else {
        expect(code).to.equal(null);
        expect(opened.signatures.map(({ key }) => ids[known.indexOf(key)])).to.deep.equal(verified);
      }
    });
  }

  it("tell when a witness signed, and nothing of the kind for a log", () => {
    const text = cases.notes.find(({ name }) => name === "with two cosignatures")?.note as string;
    const opened = openNote(parseNote(text) as never, [...keys.values()], node_crypto);
    const times = "code" in opened ? [] : opened.signatures.map(({ time_seconds }) => time_seconds);
    expect(times.slice(0, 2)).to.deep.equal([null, null]);
    expect(
      times.slice(2).map((seconds) => new Date((seconds as number) * 1000).getUTCFullYear()),
    ).to.deep.equal([2026, 2026]);
  });
});

describe("checkpoints", () => {
  it("are those of a log whose name can be one", () => {
    for (const origin of ["a+b", "a b", "\u00e9", "a".repeat(201)]) {
      expect(parseCheckpoint(`${origin}\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n`)).to.equal(null);
    }
  });

  for (const { name, text, ok } of cases.checkpoints) {
    it(`${ok ? "are read" : "are refused"}: ${name}`, () => {
      const checkpoint = parseCheckpoint(text);
      if (ok) {
        expect(`${checkpoint?.origin}\n${checkpoint?.size}\n`).to.equal(
          `${text.split("\n").slice(0, 2).join("\n")}\n`,
        );
        expect(checkpoint?.root).to.have.length(32);
      } else {
        expect(checkpoint).to.equal(null);
      }
    });
  }
});
