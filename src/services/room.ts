/**
 * How many calls may be under way, and what the messages of their callers may take up together,
 * whichever way they come: a bound on one of them is none where ten thousand come at once. What
 * agents may call never uses up the part that is kept for the rest, so that no number of their calls
 * keeps a stop out; nor the part that is kept for acknowledging stops; and calls that need no key have
 * a small part only.
 */
import type { DescMethod } from "@bufbuild/protobuf";
import { SessionService } from "../../gen/killcord/v1/session_pb.js";
import { limits } from "../limits.js";
import { KillcordError } from "./errors.js";
import { accessTo } from "./roles.js";
import { Turns } from "./turns.js";

/** How much room there is; a part of limits.ts. */
export interface RoomBounds {
  readonly bodies_bytes: number;
  /** Of these, what is kept for methods that are not for agents. */
  readonly bodies_bytes_kept: number;
  /** And beside that for acknowledgements of stops. */
  readonly bodies_bytes_acknowledging: number;
  readonly calls: number;
  /** Likewise. */
  readonly calls_kept: number;
  readonly calls_acknowledging: number;
  readonly calls_keyless: number;
}

/** What one call takes up of a room. */
export interface Share {
  /** @throws {KillcordError} overloaded, and nothing is taken */
  take(bytes: number): void;
  /** Gives back a part of what was taken. */
  give(bytes: number): void;
  /**
   * Null when the call, or the next message of its stream, may be read now; else when what is returned
   * resolves. What agents cannot call never waits.
   */
  turn(): Promise<void> | null;
  /** Gives back all of it: the call is over. */
  leave(): void;
  /**
   * Takes for work that may last longer than the call; what it returns gives that back.
   *
   * @throws {KillcordError} overloaded
   */
  hold(bytes: number): () => void;
}

type Caller = "keyless" | "agent" | "acknowledging" | "other";

export class Room {
  readonly #bounds: RoomBounds;
  readonly #turns: Readonly<Record<Exclude<Caller, "other">, Turns>>;
  #taken = 0;
  #calls = 0;
  #keyless = 0;

  constructor(bounds: Partial<RoomBounds> = {}) {
    this.#bounds = { ...limits, ...bounds };
    const agent = new Turns(limits.agent_work_per_turn);
    this.#turns = { agent, keyless: agent, acknowledging: new Turns(limits.agent_work_per_turn) };
  }

  /** Bytes that are taken up at the moment. */
  get taken(): number {
    return this.#taken;
  }

  /** Calls that are under way. */
  get calls(): number {
    return this.#calls;
  }

  /**
   * Begins the share of one call, which is to be left.
   *
   * @throws {KillcordError} overloaded, and there is nothing to leave
   */
  enter(method: DescMethod): Share {
    const caller = callerOf(method);
    const leaveCalls = this.#count(caller);
    const { bodies_bytes, bodies_bytes_kept, bodies_bytes_acknowledging } = this.#bounds;
    const bytes_max = within(caller, bodies_bytes, bodies_bytes_kept, bodies_bytes_acknowledging);
    const grow = (bytes: number) => {
      if (this.#taken + bytes > bytes_max) {
        throw full("the messages under way leave no room for this one: it was not read; retry");
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
      turn: () => (caller === "other" ? null : this.#turns[caller].take()),
      leave() {
        if (!over) {
          give(held);
          over = true;
          leaveCalls();
        }
      },
      hold: (bytes) => {
        grow(bytes);
        return () => {
          this.#taken -= bytes;
        };
      },
    };
  }

  /** Counts a call; what it returns counts it off. */
  #count(caller: Caller): () => void {
    const { calls, calls_kept, calls_acknowledging, calls_keyless } = this.#bounds;
    if (
      this.#calls >= within(caller, calls, calls_kept, calls_acknowledging) ||
      (caller === "keyless" && this.#keyless >= calls_keyless)
    ) {
      throw full("as many calls are under way as this server takes: nothing was decided; retry");
    }
    const keyless = caller === "keyless" ? 1 : 0;
    this.#calls += 1;
    this.#keyless += keyless;
    return () => {
      this.#calls -= 1;
      this.#keyless -= keyless;
    };
  }
}

/** How much of `all` a caller may use: less what is kept for others. */
function within(caller: Caller, all: number, kept: number, acknowledging: number): number {
  switch (caller) {
    case "other":
      return all;
    case "acknowledging":
      return all - kept;
    case "agent":
    case "keyless":
      return all - kept - acknowledging;
  }
}

function callerOf(method: DescMethod): Caller {
  if (method === SessionService.method.acknowledgeHalt) {
    return "acknowledging";
  }
  const access = accessTo(method);
  if (access === null) {
    return "keyless";
  }
  return access.roles.includes("agent") ? "agent" : "other";
}

function full(text: string): KillcordError {
  return new KillcordError("overloaded", text);
}
