/**
 * What the messages of callers may take up together, whichever way they come: a bound on one of them
 * is none where ten thousand come at once. What agents may call never uses up the part that is kept
 * for the rest, so that no number of their calls keeps a stop out.
 */
import type { DescMethod } from "@bufbuild/protobuf";
import { limits } from "../limits.js";
import { KillcordError } from "./errors.js";
import { accessTo } from "./roles.js";

/** How much room there is; a part of limits.ts. */
export interface RoomBounds {
  readonly bodies_bytes: number;
  /** Of these, what is kept for methods that are not for agents. */
  readonly bodies_bytes_kept: number;
}

/** What one call takes up of a room. */
export interface Share {
  /** @throws {KillcordError} overloaded, and nothing is taken */
  take(bytes: number): void;
  /** Gives back a part of what was taken. */
  give(bytes: number): void;
  /** Gives back all of it: the call is over. */
  leave(): void;
  /**
   * Takes for work that may last longer than the call; what it returns gives that back.
   *
   * @throws {KillcordError} overloaded
   */
  hold(bytes: number): () => void;
}

export class Room {
  readonly #bounds: RoomBounds;
  #taken = 0;

  constructor(bounds: RoomBounds = limits) {
    this.#bounds = bounds;
  }

  /** Bytes that are taken up at the moment. */
  get taken(): number {
    return this.#taken;
  }

  /** Begins the share of one call. */
  enter(method: DescMethod): Share {
    const bytes_max = this.#bytesFor(method);
    const grow = (bytes: number) => {
      if (this.#taken + bytes > bytes_max) {
        throw full();
      }
      this.#taken += bytes;
    };
    let held = 0;
    let over = false;
    const give = (bytes: number) => {
      // A reader of messages may come to know only later that the call is over.
      if (!over) {
        held -= bytes;
        this.#taken -= bytes;
      }
    };
    return {
      take(bytes) {
        if (!over) {
          grow(bytes);
          held += bytes;
        }
      },
      give,
      leave() {
        give(held);
        over = true;
      },
      hold: (bytes) => {
        grow(bytes);
        return () => {
          this.#taken -= bytes;
        };
      },
    };
  }

  #bytesFor(method: DescMethod): number {
    const { bodies_bytes, bodies_bytes_kept } = this.#bounds;
    const access = accessTo(method);
    return access === null || access.roles.includes("agent")
      ? bodies_bytes - bodies_bytes_kept
      : bodies_bytes;
  }
}

function full(): KillcordError {
  const text = "the messages under way leave no room for this one: it was not read; retry";
  return new KillcordError("overloaded", text);
}
