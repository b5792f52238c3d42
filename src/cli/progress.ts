/** A line on a terminal that tells how far a long piece of work is. */
import { clearLine, cursorTo } from "node:readline";
import { client_limits } from "./client-limits.js";

const width = 30;

export class Progress {
  readonly #what: string;
  readonly #total: number;
  readonly #stream: NodeJS.WriteStream;
  readonly #now: () => number;
  readonly #began: number;
  #shown_at = 0;

  /**
   * @param what is done, as in `verifying`
   * @param now monotonic milliseconds
   */
  constructor(
    what: string,
    total: number,
    stream: NodeJS.WriteStream = process.stderr,
    now: () => number = () => performance.now(),
  ) {
    this.#now = now;
    this.#began = now();
    this.#what = what;
    this.#total = total;
    this.#stream = stream;
  }

  /** Shows how much is done, on a terminal, once it has taken a second, and not all the time. */
  at(done: number): void {
    const now = this.#now();
    const soon =
      now - this.#began < client_limits.progress_after_ms || now - this.#shown_at < client_limits.progress_ms;
    if (!this.#stream.isTTY || soon) {
      return;
    }
    this.#shown_at = now;
    const share = Math.min(1, done / this.#total);
    const left_s = Math.ceil(((now - this.#began) / 1000) * (1 / share - 1));
    const bar = "#".repeat(Math.round(share * width)).padEnd(width, ".");
    cursorTo(this.#stream, 0);
    this.#stream.write(`${this.#what} [${bar}] ${Math.floor(share * 100)} %, ${left_s} s left `);
    clearLine(this.#stream, 1);
  }

  /** Takes the line away. */
  end(): void {
    if (this.#shown_at > 0) {
      cursorTo(this.#stream, 0);
      clearLine(this.#stream, 0);
    }
  }
}
