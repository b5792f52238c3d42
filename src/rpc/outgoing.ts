/** Gathers the messages of a stream into few writes: what is said in one turn of the event loop leaves together. */
import type { HttpReply } from "./http.js";
import type { Life } from "./life.js";
import { room, writable } from "./send.js";

/** Gathered beyond this, it leaves at once. */
const gathered_bytes_max = 16 * 1024;

export class Outgoing {
  readonly #reply: HttpReply;
  readonly #life: Life;
  readonly #blocked_ms: number;
  #gathered: Uint8Array[] = [];
  #bytes = 0;
  #room: Promise<void> | null = null;

  /** @param blocked_ms a reader that leaves no room for so long is cut off */
  constructor(reply: HttpReply, life: Life, blocked_ms: number) {
    this.#reply = reply;
    this.#life = life;
    this.#blocked_ms = blocked_ms;
  }

  /**
   * Adds a message. Resolves when there is room for the next; null when there is some already.
   *
   * @throws {KillcordError} canceled or overloaded when nobody reads any more
   */
  push(message: Uint8Array): Promise<void> | null {
    this.#life.gone.throwIfAborted();
    this.#gathered.push(message);
    this.#bytes += message.byteLength;
    if (this.#gathered.length === 1) {
      // Runs after every promise that is settled in this turn.
      process.nextTick(() => this.flush());
    }
    if (this.#bytes >= gathered_bytes_max) {
      this.flush();
    }
    return this.#room;
  }

  /** Sends what is gathered. */
  flush(): void {
    const bytes =
      this.#gathered.length === 1 ? this.#gathered[0] : Buffer.concat(this.#gathered, this.#bytes);
    this.#gathered = [];
    this.#bytes = 0;
    if (bytes === undefined || bytes.byteLength === 0 || this.#life.gone.aborted) {
      return;
    }
    if (!writable(this.#reply).write(bytes) && this.#room === null) {
      this.#room = room(this.#reply, this.#life, this.#blocked_ms).finally(() => {
        this.#room = null;
      });
      // Heard by whoever pushes next, if anybody does.
      this.#room.catch(() => {});
    }
  }
}
