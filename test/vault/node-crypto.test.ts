import { generateKeyPairSync, sign } from "node:crypto";
import { expect } from "chai";
import { node_crypto } from "../../src/vault/node-crypto.js";

const message = new TextEncoder().encode("what is signed");
const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const spki = new Uint8Array(publicKey.export({ format: "der", type: "spki" }));
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

const verifies = (signature: Uint8Array) => node_crypto.verifyP256(spki, message, signature);

/** An ASN.1 INTEGER, with extra zeros in front or in its shortest form. */
function integer(value: bigint, zeros = 0): Buffer {
  let hex = value.toString(16);
  hex = hex.length % 2 === 1 ? `0${hex}` : hex;
  const shortest = Buffer.from(Number.parseInt(hex.slice(0, 2), 16) >= 0x80 ? `00${hex}` : hex, "hex");
  const bytes = Buffer.concat([Buffer.alloc(zeros), shortest]);
  return Buffer.concat([Buffer.of(0x02, bytes.length), bytes]);
}

function sequence(...parts: Buffer[]): Buffer {
  const bytes = Buffer.concat(parts);
  return Buffer.concat([Buffer.of(0x30, bytes.length), bytes]);
}

function freshNumbers(): { r: bigint; s: bigint } {
  const raw = sign("sha256", message, { key: privateKey, dsaEncoding: "ieee-p1363" }).toString("hex");
  return { r: BigInt(`0x${raw.slice(0, 64)}`), s: BigInt(`0x${raw.slice(64)}`) };
}

describe("Node's P-256", () => {
  const { r, s } = freshNumbers();

  it("takes a signature in DER, with low s and with high s", () => {
    expect(verifies(sequence(integer(r), integer(s)))).to.equal(true);
    expect(verifies(sequence(integer(r), integer(order - s)))).to.equal(true);
  });

  it("takes no other spelling of the same numbers", () => {
    const good = sequence(integer(r), integer(s));
    const long_length = Buffer.concat([Buffer.of(0x30, 0x81, good.length - 2), good.subarray(2)]);
    const spellings = {
      "raw r and s": Buffer.from(r.toString(16).padStart(64, "0") + s.toString(16).padStart(64, "0"), "hex"),
      "a zero in front of r": sequence(integer(r, 1), integer(s)),
      "a zero in front of s": sequence(integer(r), integer(s, 1)),
      "a length in two bytes": long_length,
      "a byte behind it": Buffer.concat([good, Buffer.of(0)]),
      "a third number": sequence(integer(r), integer(s), integer(1n)),
      "s above the order": sequence(integer(r), integer(s + order)),
      nothing: Buffer.alloc(0),
      "zero and zero": sequence(integer(0n), integer(0n)),
    };
    for (const [name, signature] of Object.entries(spellings)) {
      expect(verifies(signature), name).to.equal(false);
    }
  });

  it("knows no key that is none: off the curve, of another curve, in another spelling", () => {
    const signature = sequence(integer(r), integer(s));
    const off = Uint8Array.from(spki);
    off[90] = (off[90] as number) ^ 1;
    const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" }).publicKey;
    const longer = Buffer.concat([spki, Buffer.of(0)]);
    for (const key of [off, p384.export({ format: "der", type: "spki" }), longer, Buffer.alloc(0)]) {
      expect(node_crypto.verifyP256(key, message, signature)).to.equal(false);
    }
  });
});

describe("Node's Ed25519", () => {
  it("takes a signature by its raw key, and nothing else", () => {
    const pair = generateKeyPairSync("ed25519");
    const raw = pair.publicKey.export({ format: "der", type: "spki" }).subarray(-32);
    const signature = sign(null, message, pair.privateKey);
    const changed = Uint8Array.from(signature);
    changed[0] = (changed[0] as number) ^ 1;
    expect(node_crypto.verifyEd25519(raw, message, signature)).to.equal(true);
    expect(node_crypto.verifyEd25519(raw, message, changed)).to.equal(false);
    expect(node_crypto.verifyEd25519(raw, message, signature.subarray(1))).to.equal(false);
    expect(node_crypto.verifyEd25519(raw.subarray(1), message, signature)).to.equal(false);
  });
});
