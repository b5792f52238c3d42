/** The thread of a SigningThread: texts come in, their signatures go out, in the same order. */
import type { KeyObject } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import { signText } from "./signature.js";

const key = workerData as KeyObject;

parentPort?.on("message", (texts: readonly string[]) => {
  parentPort?.postMessage(texts.map((text) => signText(key, text)));
});
