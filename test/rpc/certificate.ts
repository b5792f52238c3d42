/** Makes certificates for tests, so that no key is committed and no openssl is needed. */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

/** A certificate for localhost and 127.0.0.1, each part in PEM. */
export interface Made {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly name: string;
  readonly private_key: KeyObject;
}

/** Signed by `issuer`, or by itself; good from an hour ago for a day. */
export function makeCertificate(name: string, issuer?: Made): Made {
  const { privateKey: private_key, publicKey: public_key } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
  });
  const serial = Buffer.concat([Buffer.from([1]), randomBytes(8)]);
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    ecdsa_sha256,
    nameOf(issuer?.name ?? name),
    sequence(time(Date.now() - 3_600_000), time(Date.now() + 86_400_000)),
    nameOf(name),
    public_key.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(extension("551d11", alternative_names), extension("551d13", authority))),
  );
  const signature = sign("sha256", body, issuer?.private_key ?? private_key);
  const whole = sequence(body, ecdsa_sha256, der(0x03, Buffer.from([0]), signature));
  const lines = whole
    .toString("base64")
    .match(/.{1,64}/g)
    ?.join("\n");
  return {
    cert: Buffer.from(`-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`),
    key: Buffer.from(private_key.export({ type: "pkcs8", format: "pem" })),
    name,
    private_key,
  };
}

/** One element of DER: its tag, its length, its content. */
function der(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const bytes = Buffer.concat(content);
  const { length: size } = bytes;
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), bytes]);
}

function sequence(...content: readonly Uint8Array[]): Buffer {
  return der(0x30, ...content);
}

function identifier(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, "hex"));
}

function nameOf(common_name: string): Buffer {
  return sequence(der(0x31, sequence(identifier("550403"), der(0x0c, Buffer.from(common_name)))));
}

function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, "");
  return der(0x17, Buffer.from(digits.slice(2)));
}

function extension(id: string, value: Buffer): Buffer {
  return sequence(identifier(id), der(0x04, value));
}

const ecdsa_sha256 = sequence(identifier("2a8648ce3d040302"));
const alternative_names = sequence(
  der(0x82, Buffer.from("localhost")),
  der(0x87, Buffer.from([127, 0, 0, 1])),
);
const authority = sequence(der(0x01, Buffer.from([0xff])));
