import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  createVerify,
  generateKeyPairSync,
  sign,
  verify,
} from "node:crypto";
import { expect } from "chai";
import { certificateText } from "../../src/vault/certificate.js";
import { genesisContent } from "../../src/vault/genesis.js";
import type { Keys } from "../../src/vault/keys.js";
import { checkpointVkeys } from "../../src/vault/keys.js";
import { derFromRaw, verifyText } from "../../src/vault/signature.js";
import { keyId, Signer, spkiOf } from "../../src/vault/signer.js";
import { vector } from "../vectors.js";

interface TestKey {
  readonly key_id: string;
  readonly spki_base64: string;
  readonly TEST_ONLY_private_key_pkcs8_base64: string;
}

const { keys, entries, origin, certificate } = vector<{
  origin: string;
  keys: Readonly<Record<string, TestKey>>;
  entries: readonly {
    content: Record<string, unknown>;
    envelope: { signature: { value: string } };
    entry_hash: string;
  }[];
  certificate: Parameters<typeof certificateText>[1] & { certificate: string };
}>("vault/entry.json");

function privateKey(name: string) {
  const pkcs8 = keys[name]?.TEST_ONLY_private_key_pkcs8_base64 as string;
  return createPrivateKey({ key: Buffer.from(pkcs8, "base64"), format: "der", type: "pkcs8" });
}

const test_keys: Keys = {
  root: privateKey("entry_root"),
  entry: privateKey("entry_1"),
  checkpoint_ed25519: privateKey("checkpoint_ed25519"),
  checkpoint_p256: privateKey("checkpoint_p256"),
  pepper: new Uint8Array(32),
};

describe("a key", () => {
  it("has the id of the vector, from its private and from its public half", () => {
    for (const name of ["entry_root", "entry_1", "entry_2", "attacker"]) {
      const key = privateKey(name);
      expect(spkiOf(key).toString("base64")).to.equal(keys[name]?.spki_base64);
      expect(spkiOf(createPublicKey(key)).toString("base64")).to.equal(keys[name]?.spki_base64);
      expect(keyId(spkiOf(key))).to.equal(keys[name]?.key_id);
    }
  });

  it("of the checkpoints has the verifier keys that the vector's log names", () => {
    expect(checkpointVkeys(origin, test_keys)).to.deep.equal(entries[0]?.content.checkpoint_keys);
  });
});

describe("a signature", () => {
  it("of the vector verifies, and none over another text does", async () => {
    const key = createPublicKey(test_keys.entry);
    const { entry_hash, envelope } = entries[1] as (typeof entries)[number];
    const { value } = envelope.signature;
    expect(await verifyText(key, entry_hash, value)).to.equal(true);
    expect(await verifyText(key, `${entry_hash}\n`, value)).to.equal(false);
    expect(await verifyText(createPublicKey(test_keys.root), entry_hash, value)).to.equal(false);
    expect(await verifyText(key, entry_hash, "AAAA")).to.equal(false);
  });

  for (const count of [1, 100]) {
    it(`of each of ${count} texts stands in its place and verifies`, async () => {
      const texts = Array.from({ length: count }, (_, i) => `text ${i}`);
      const signer = new Signer(test_keys.entry);
      expect(signer.key_id).to.equal(keys.entry_1?.key_id);
      const signatures = await signer.sign(texts);
      const good = texts.map((text, i) =>
        createVerify("sha256")
          .update(text)
          .verify(createPublicKey(test_keys.entry), signatures[i] as string, "base64"),
      );
      expect(good).to.deep.equal(texts.map(() => true));
    });
  }

  it("as r and s of a device verifies once it is DER", async () => {
    const { privateKey: key, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    // As many as it takes to meet first bytes of 0x80 and up in either number.
    for (let i = 0; i < 64; i++) {
      const raw = sign("sha256", Buffer.from("x"), { key, dsaEncoding: "ieee-p1363" });
      const der = Buffer.from(derFromRaw(raw)).toString("base64");
      expect(await verifyText(publicKey, "x", der)).to.equal(true);
    }
  });

  it("as DER has its integers as short as they can be, and never negative", () => {
    const raw = Buffer.alloc(64);
    expect(Buffer.from(derFromRaw(raw)).toString("hex")).to.equal("3006020100020100");
    raw[31] = 1;
    raw.fill(0xff, 32);
    expect(Buffer.from(derFromRaw(raw)).toString("hex")).to.equal(`3026020101022100${"ff".repeat(32)}`);
    expect(() => derFromRaw(raw.subarray(1))).to.throw(RangeError);
  });
});

describe("the certificate of the first entry key", () => {
  const name = { origin, workspace_id: "ws_7f3a9c2e41d0", heartbeat_seconds: 60 };

  it("of the vector is the root's signature over its text", async () => {
    const text = certificateText(origin, certificate);
    expect(await verifyText(createPublicKey(test_keys.root), text, certificate.certificate)).to.equal(true);
  });

  it("stands in entry 0, which is the vector's but for the certificate's own nonce and the pepper's check", () => {
    const expected = entries[0]?.content as { at: string; _salt: string; entry_key: { certificate: string } };
    const content = genesisContent(
      name,
      test_keys,
      expected.at,
      expected._salt,
    ) as unknown as typeof expected;
    const signed = Buffer.from(content.entry_key.certificate, "base64");
    const text = Buffer.from(certificateText(origin, certificate));
    expect(verify("sha256", text, createPublicKey(test_keys.root), signed)).to.equal(true);
    const { certificate: _random, ...entry_key } = content.entry_key;
    const { certificate: _fixed, ...expected_key } = expected.entry_key;
    expect({ ...content, entry_key }).to.deep.equal({
      ...expected,
      entry_key: expected_key,
      pepper_check: createHmac("sha256", test_keys.pepper).update(origin).digest("hex"),
    });
  });
});
