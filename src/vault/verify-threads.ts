/** Threads that check the pieces of a bundle, each piece by whoever is free. */
import { Worker } from "node:worker_threads";
import { limits } from "../limits.js";
import type { Piece } from "./verify/cut.js";
import type { PieceChecker, PieceContext } from "./verify/large.js";
import type { CheckedPiece } from "./verify/piece.js";

interface Answer {
  readonly piece: Piece;
  readonly checked: CheckedPiece;
}

interface Asked {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

export class VerifyThreads implements PieceChecker {
  readonly ahead: number;
  readonly #workers: readonly Worker[];
  readonly #asked = new Map<Worker, Asked[]>();

  constructor(context: PieceContext, threads: number) {
    this.ahead = threads * limits.verified_pieces_ahead;
    const url = new URL("./verify-worker.js", import.meta.url);
    this.#workers = Array.from({ length: threads }, () => new Worker(url, { workerData: context }));
    for (const worker of this.#workers) {
      const asked: Asked[] = [];
      this.#asked.set(worker, asked);
      // Each thread answers in the order in which it was asked.
      worker.on("message", (answer: Answer) => asked.shift()?.resolve(answer));
      const fail = (error: Error) => {
        for (const { reject } of asked.splice(0)) {
          reject(error);
        }
      };
      worker.on("error", fail);
      worker.on("exit", () => fail(new Error("a thread that verifies has ended")));
    }
  }

  readonly check = (piece: Piece): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const worker = this.#idlest();
      this.#asked.get(worker)?.push({ resolve, reject });
      worker.postMessage(piece, [piece.bytes.buffer as ArrayBuffer]);
    });

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #idlest(): Worker {
    const length = (worker: Worker) => this.#asked.get(worker)?.length ?? 0;
    return this.#workers.reduce((best, worker) => (length(worker) < length(best) ? worker : best));
  }
}
