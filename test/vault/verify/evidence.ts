/** Reads evidence of the vectors, and judges it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { node_crypto } from "../../../src/vault/node-crypto.js";
import type { Report } from "../../../src/vault/verify/report.js";
import { verify } from "../../../src/vault/verify.js";
import type { VerifyCrypto } from "../../../src/vault/verify-crypto.js";

export const bundles = "test/vectors/vault/bundles";
export const pinned = readFileSync(join(bundles, "trust.json"));

/** The bundle of a case. */
export function bundleAt(folder: string): Uint8Array | null {
  const path = join(folder, "bundle.json");
  return existsSync(path) ? readFileSync(path) : null;
}

/** The files of the case's log/, or null. */
export function logAt(folder: string): Map<string, Uint8Array> | null {
  const log = join(folder, "log");
  if (!existsSync(log)) {
    return null;
  }
  const files = readdirSync(log, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files.map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      return [path.slice(log.length + 1), readFileSync(path)];
    }),
  );
}

const checked = new Map<string, boolean>();

/** Node's functions; what was checked once is not checked again, as tests judge one log many times. */
const crypto: VerifyCrypto = {
  ...node_crypto,
  verifyP256: (spki, message, signature) => {
    const asked = [spki, message, signature].map((bytes) => Buffer.from(bytes).toString("latin1")).join("|");
    const holds = checked.get(asked) ?? node_crypto.verifyP256(spki, message, signature);
    checked.set(asked, holds);
    return holds;
  },
};

/** Judges evidence by a trust file that came by another way. */
export function judge(
  bundle: Uint8Array | string | null,
  options: { readonly log?: ReadonlyMap<string, Uint8Array> | null; readonly trust?: Uint8Array | null } = {},
): Report {
  const bytes = typeof bundle === "string" ? Buffer.from(bundle) : bundle;
  const { log = null, trust = pinned } = options;
  return verify({ bundle: bytes, log }, trust, { trust_given: true, crypto });
}

/** The first failure as `code` or `code entry n`, or `verified`. */
export function verdictOf({ failures }: Report): string {
  const [first] = failures;
  if (first === undefined) {
    return "verified";
  }
  return first.sequence === null ? first.code : `${first.code} ${first.sequence}`;
}
