/** The thread of a SigningThread: texts come in, the signatures of those that it claims go out. */
import type { KeyObject } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import { signText } from "./signature.js";
import { claim } from "./signing-claims.js";

/** What the thread is given when it begins. */
export interface SigningWork {
  readonly key: KeyObject;
  readonly claims: Int32Array;
}

/** Texts to sign. The thread answers with a Signed unless somebody else has claimed them. */
export interface Unsigned {
  readonly message: number;
  readonly texts: readonly string[];
}

export interface Signed {
  readonly message: number;
  readonly signatures: readonly string[];
}

const { key, claims } = workerData as SigningWork;

parentPort?.on("message", ({ message, texts }: Unsigned) => {
  if (claim(claims, message)) {
    const signatures = texts.map((text) => signText(key, text));
    parentPort?.postMessage({ message, signatures } satisfies Signed);
  }
});
