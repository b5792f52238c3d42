/** The verifier in a page: judges what the test hands over. */

import { receiptKind, verifyReceipt } from "../../../src/vault/verify/receipt.js";
import { findingsOf } from "../../../src/vault/verify/report.js";
import { verify } from "../../../src/vault/verify.js";
import { noble_crypto } from "./noble-crypto.js";

/** Bytes travel to the page as base64. */
export interface Handed {
  readonly bundle: string;
  /** By paths in `log/`; null without that folder. */
  readonly log: Readonly<Record<string, string>> | null;
  readonly trust: string;
}

export type JudgeInPage = (handed: Handed) => string;

const bytesOf = (base64: string) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

/** The findings as JSON. */
const judge: JudgeInPage = ({ bundle, log, trust }) => {
  const options = { trust_given: true, crypto: noble_crypto };
  const bytes = bytesOf(bundle);
  const pins = bytesOf(trust);
  const kind = receiptKind(bytes, "");
  const files =
    log === null ? null : new Map(Object.entries(log).map(([path, file]) => [path, bytesOf(file)] as const));
  const report =
    kind === null
      ? verify({ bundle: bytes, log: files }, pins, options)
      : verifyReceipt(kind, bytes, pins, options);
  return JSON.stringify(findingsOf(report));
};

Object.assign(globalThis, { judge });
