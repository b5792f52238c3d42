/** How far a stop is while it runs: one line in place on a terminal, else a line for each change. */
import { clearLine, cursorTo } from "node:readline";
import type { HaltFigures, HaltMode } from "../../gen/killcord/v1/halt_pb.js";
import { figureWords, showMilliseconds } from "./halt-view.js";

export class HaltProgress {
  readonly #stream: NodeJS.WriteStream;
  readonly #now: () => number;
  readonly #began: number;
  #shown = "";

  /** @param now monotonic milliseconds */
  constructor(stream: NodeJS.WriteStream = process.stderr, now: () => number = () => performance.now()) {
    this.#stream = stream;
    this.#now = now;
    this.#began = now();
  }

  /** Shows the figures, if they are others than before. */
  show(figures: HaltFigures, mode: HaltMode): void {
    const words = figureWords(figures, mode);
    const line = `${words}   ${showMilliseconds(this.#now() - this.#began)}`;
    if (this.#stream.isTTY) {
      cursorTo(this.#stream, 0);
      this.#stream.write(line);
      clearLine(this.#stream, 1);
    } else if (words !== this.#shown) {
      this.#stream.write(`${line}\n`);
    }
    this.#shown = words;
  }

  /** Ends the line. */
  end(): void {
    if (this.#stream.isTTY && this.#shown !== "") {
      this.#stream.write("\n");
    }
  }
}
