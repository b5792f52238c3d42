/** The thread of a SigningThread: texts come in, the signatures of those that it claims go out. */
import { parentPort, workerData } from "node:worker_threads";
import { signText } from "./signature.js";
import { claim } from "./signing-claims.js";
import type { Signed, SigningWork, Unsigned } from "./signing-thread.js";

const { key, claims } = workerData as SigningWork;

parentPort?.on("message", ({ message, texts }: Unsigned) => {
  if (claim(claims, message)) {
    const signatures = texts.map((text) => signText(key, text));
    parentPort?.postMessage({ message, signatures } satisfies Signed);
  }
});
