import { expect } from "chai";
import { judge, verdictOf } from "./evidence.js";
import { bundleText, decided, genesis, keys, made, seal, started } from "./made.js";

const text = made([started("s"), decided("s", "allow", 1)]);
const changed = (from: string, to: string) => {
  expect(text).to.contain(from);
  return verdictOf(judge(text.replace(from, to)));
};

describe("the bytes of a bundle", () => {
  it("have one line ending, one end, and nothing behind it", () => {
    const broken = [
      text.slice(0, -1),
      text.replaceAll("\n", "\r\n"),
      `${text}\n`,
      `${text} `,
      `\ufeff${text}`,
      text.replace("\n]}", ",\n]}"),
      text.replace(",\n{", "\n{"),
      text.replace("\n]}\n", "]}\n"),
      text.replace("\n]}\n", "\n]\n"),
      text.replace("\n]}\n", "\n]} \n"),
      text.replace('"entries":[\n', '"entries":['),
      "\n",
      "[]",
      "\n\n",
      "\0",
    ];
    for (const bytes of broken) {
      expect(verdictOf(judge(bytes)), JSON.stringify(bytes.slice(0, 40))).to.equal("bundle.layout");
    }
    expect(verdictOf(judge(""))).to.equal("input.unreadable");
  });

  it("tell a bundle of another format from a broken one, however it is laid out", () => {
    expect(judge('{"format":"xybern-proof-bundle/v1","entries":[]}')).to.include({
      exit: 2,
      code: "input.version",
    });
    expect(judge('{\n"format": "killcord-receipt/v1"\n}\n')).to.include({ exit: 2, code: "input.version" });
    expect(judge('{"format":5}')).to.include({ exit: 1, code: "bundle.layout" });
  });

  it("hold no member twice, and none that JavaScript treats in a way of its own", () => {
    expect(changed('"action_type":"step"', '"action_type":"step","action_type":"step"')).to.equal(
      "bundle.layout",
    );
    expect(changed('"content":{', '"__proto__":{},"content":{')).to.equal("bundle.layout");
  });

  it("nest at most 34 deep, and an entry's content at most 32", () => {
    const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;
    // Two containers above a member of the content, and these under it.
    expect(changed('"action_type":"step"', `"action_type":${nested(32)}`)).to.equal("entry.field 2");
    expect(changed('"action_type":"step"', `"action_type":${nested(33)}`)).to.equal("bundle.layout");
    expect(changed('"action_type":"step"', `"action_type":${"[".repeat(200_000)}`)).to.equal("bundle.layout");
  });

  it("hold no line that no bundle could have", () => {
    expect(verdictOf(judge(Buffer.alloc(17 * 1024 * 1024, "[")))).to.equal("bundle.layout");
  });
});

describe("the header of a bundle", () => {
  const entries = seal([genesis]);
  const verdict = (header: object) =>
    verdictOf(judge(bundleText(entries, header as Record<string, unknown>)));

  it("has exactly its members, each as it should be", () => {
    expect(verdict({})).to.equal("verified");
    const wrong: readonly object[] = [
      { more: null },
      { kind: "half" },
      { kind: "slice" },
      { selection: { session_id: "s" } },
      { kind: "slice", selection: { session_id: "s" }, older_checkpoints: ["x"] },
      { older_checkpoints: [] },
      { vault_version: 1 },
      { compatible_with: [] },
      { hash_algorithm: "sha512" },
      { entry_count: "1" },
      { entry_count: -1 },
      { workspace_id: "" },
      { signing_keys: {} },
      { checkpoint: 5 },
      { generated_at: "2026-11-22T17:00:01.000Z" },
    ];
    for (const header of wrong) {
      expect(verdict(header), JSON.stringify(header)).to.equal("bundle.header");
    }
  });

  it("lists keys that a pinned root certified for this log, in order, each once", () => {
    const [key] = JSON.parse(bundleText(entries)).signing_keys as [Record<string, unknown>];
    expect(verdict({ signing_keys: [] })).to.equal("entry.unknown_key 0");
    expect(verdict({ signing_keys: [{ ...key, more: 1 }] })).to.equal("bundle.header");
    expect(verdict({ signing_keys: [{ ...key, public_key_pem: `${key.public_key_pem}\n` }] })).to.equal(
      "bundle.header",
    );
    expect(verdict({ signing_keys: [{ ...key, public_key_pem: keys.entry_2.public_key_pem }] })).to.equal(
      "keys.key_id",
    );
    expect(verdict({ signing_keys: [key, key] })).to.equal("keys.duplicate");
    // Each of what the certificate covers.
    for (const member of [
      { first_sequence: 1 },
      { created_at: "2026-11-22T17:00:00.001Z" },
      { backend: "kms" },
    ]) {
      expect(verdict({ signing_keys: [{ ...key, ...member }] })).to.equal("keys.certificate");
    }
    expect(verdict({ signing_keys: [{ ...key, root_key_id: keys.entry_1.key_id }] })).to.equal(
      "keys.certificate",
    );
  });

  it("is judged before its lines: of no entry nothing is said", () => {
    expect(verdictOf(judge(bundleText([])))).to.equal("bundle.empty");
    expect(verdict({ entry_count: 2 })).to.equal("bundle.count");
  });
});
