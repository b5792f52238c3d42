/**
 * How much of the time of `killcord verify` is the signatures (P10): an export is verified on all cores,
 * beside the bare verification of as many signatures on as many threads, by turns in one run.
 *
 * Run by `npm run bench:verify [-- ENTRIES ROUNDS]`. Prints each round, the ratio of the medians, and the
 * most memory that the process took while it verified. Nobody asserts a time.
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { verifyPath } from "../src/cli/verify.js";
import { writeLog } from "./made-log.js";

const [entries = 100_000, rounds = 3] = process.argv.slice(2).map(Number);
const threads = availableParallelism();
const folder = mkdtempSync(join(tmpdir(), "killcord-bench-"));

/** Verifies a share of the signatures, again and again the same few, and says when it is done. */
const bare = `
const { parentPort, workerData } = require("node:worker_threads");
const { createPublicKey, verify } = require("node:crypto");
const key = createPublicKey({ key: Buffer.from(workerData.spki, "base64"), format: "der", type: "spki" });
const sample = workerData.sample.map(({ hash, signature }) => [Buffer.from(hash), Buffer.from(signature, "base64")]);
parentPort.on("message", (count) => {
  for (let i = 0; i < count; i++) {
    const [hash, signature] = sample[i % sample.length];
    if (!verify("sha256", hash, { key, dsaEncoding: "der" }, signature)) throw new Error("a signature is wrong");
  }
  parentPort.postMessage("done");
});`;

try {
  await measure();
} finally {
  rmSync(folder, { recursive: true });
}

async function measure(): Promise<void> {
  const { sample, spki } = await writeLog(folder, entries);
  const bytes = statSync(join(folder, "bundle.json")).size;
  console.log(`${entries} entries, ${(bytes / 2 ** 20).toFixed(0)} MiB, ${threads} threads`);
  const workers = Array.from(
    { length: threads },
    () => new Worker(bare, { eval: true, workerData: { sample, spki } }),
  );
  const floors: Taken[] = [];
  const verifies: Taken[] = [];
  for (let round = 1; round <= rounds; round++) {
    const floor = await taken(() => verifyBare(workers));
    const verified = await taken(verifyExport);
    floors.push(floor);
    verifies.push(verified);
    console.log(`round ${round}: bare ${told(floor)}, verify ${told(verified)}`);
  }
  await Promise.all(workers.map((worker) => worker.terminate()));
  const ratio = (of: keyof Taken) =>
    (median(floors.map((each) => each[of])) / median(verifies.map((each) => each[of]))).toFixed(2);
  console.log(`P10: ${ratio("wall_s")} of bare crypto.verify on all cores (0.8 is to be reached)`);
  console.log(`by CPU time, which what else the machine does disturbs less: ${ratio("cpu_s")}`);
  const memory_mib = process.resourceUsage().maxRSS / 1024;
  console.log(
    `at most ${memory_mib.toFixed(0)} MiB resident, ${(bytes / 2 ** 20).toFixed(0)} MiB of them would be the bundle`,
  );
}

async function verifyExport(): Promise<void> {
  const trust = join(folder, "trust.json");
  const { text, exit } = await verifyPath(folder, { trust, require_trust: true, json: false });
  if (exit !== 0) {
    throw new Error(text);
  }
}

function verifyBare(workers: readonly Worker[]): Promise<unknown> {
  return Promise.all(
    workers.map(
      (worker) =>
        new Promise((resolve, reject) => {
          worker.once("message", resolve);
          worker.once("error", reject);
          worker.postMessage(Math.ceil(entries / threads));
        }),
    ),
  );
}

interface Taken {
  readonly wall_s: number;
  /** Of all threads together. */
  readonly cpu_s: number;
}

async function taken(work: () => Promise<unknown>): Promise<Taken> {
  const began = performance.now();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return { wall_s: (performance.now() - began) / 1000, cpu_s: (user + system) / 1e6 };
}

function told({ wall_s, cpu_s }: Taken): string {
  return `${wall_s.toFixed(1)} s (CPU ${cpu_s.toFixed(1)} s)`;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}
