/**
 * What each session has asked for of late, to find loops: digests under a key of this process, in
 * memory only. They tell of the actions' text, which is never sealed, so a restart forgets them.
 */
import { hash, randomBytes } from "node:crypto";
import type { Unstamped } from "../core/command.js";
import type { EnforcementDecision, Event } from "../core/event.js";
import { paused_policy } from "../core/intercept.js";
import type { JsonObject } from "../core/policy/document.js";
import { loopOf } from "../core/policy/loop.js";
import {
  default_loop,
  default_loop_id,
  findLoop,
  type Loop,
  type LoopFound,
} from "../core/policy/loop-search.js";
import type { Policy } from "../core/policy/policy.js";
import { sortedText } from "../core/sorted-text.js";
import type { State } from "../core/state.js";
import { limits } from "../limits.js";

/** A loop that is looked for, and who looks for it. */
interface Watched {
  readonly policy_id: string;
  readonly loop: Loop;
  /** Whether actions count of which nothing but the type is known. */
  readonly counts_bare: boolean;
}

interface Recent {
  readonly digests: number[];
  readonly times: number[];
}

interface Asked {
  readonly session_id: string;
  readonly digest: number;
  readonly at: number;
}

const none: readonly LoopFound[] = [];

export class Loops {
  readonly #state: State;
  /** Goes before what is hashed; its length is always the same. */
  readonly #key = randomBytes(32).toString("hex");
  /** By session, the one that acted longest ago first. */
  readonly #recent = new Map<string, Recent>();
  #watched: readonly Watched[] | null = null;
  /** The action that is being decided. */
  #asked: Asked | null = null;

  constructor(state: State) {
    this.#state = state;
  }

  /**
   * The loops that an action goes on with, at most one of each policy. It counts once `onDecided` has
   * seen that it is a new one.
   */
  found(command: Extract<Unstamped, { readonly type: "intercept" }>, at: number): readonly LoopFound[] {
    this.#asked = null;
    const { session_id, action_type, content, metadata, escalation } = command;
    this.#watched ??= watchedBy(this.#state.policies);
    // What a person approved was compared when it was asked for.
    if (
      escalation !== undefined ||
      session_id === null ||
      this.#watched.length === 0 ||
      !this.#state.sessions.has(session_id)
    ) {
      return none;
    }
    const is_bare = content === null && (metadata === null || Object.keys(metadata).length === 0);
    const digest = this.#digest(action_type, content, metadata);
    this.#asked = { session_id, digest, at };
    const recent = this.#recent.get(session_id) ?? { digests: [], times: [] };
    // It stands there while it is looked at, and to stay once it is decided.
    recent.digests.push(digest);
    recent.times.push(at);
    const found: LoopFound[] = [];
    for (const { policy_id, loop, counts_bare } of this.#watched) {
      const one = is_bare && !counts_bare ? null : findLoop(recent, loop);
      if (one !== null) {
        found.push({ policy_id, ...one });
      }
    }
    recent.digests.pop();
    recent.times.pop();
    return found;
  }

  /** Takes in what has just been decided. */
  onDecided(events: readonly Event[]): void {
    for (const event of events) {
      switch (event.event) {
        case "enforcement_decision":
          this.#noteDecided(event);
          break;
        case "policy_changed":
          this.#watched = null;
          break;
        case "session_killed":
        case "session_expired":
        case "session_ended":
          this.#recent.delete(event.session_id);
          break;
        default:
      }
    }
  }

  /** What a stop or a pause answers is no action, and does not count as one here either. */
  #noteDecided({ decision, session_id, policies_triggered }: EnforcementDecision): void {
    const asked = this.#asked;
    this.#asked = null;
    if (
      asked?.session_id === session_id &&
      decision !== "terminate" &&
      policies_triggered[0]?.policy_id !== paused_policy
    ) {
      this.#note(asked);
    }
  }

  #note({ session_id, digest, at }: Asked): void {
    const recent = this.#recent.get(session_id) ?? { digests: [], times: [] };
    recent.digests.push(digest);
    recent.times.push(at);
    // The one that is asked for next is compared with these.
    const excess = recent.digests.length - (limits.loop_actions - 1);
    if (excess > 0) {
      recent.digests.splice(0, excess);
      recent.times.splice(0, excess);
    }
    this.#recent.delete(session_id);
    this.#recent.set(session_id, recent);
    const [oldest] = this.#recent.keys();
    if (this.#recent.size > limits.loop_sessions && oldest !== undefined) {
      // It counts anew when it acts again: this is no guard, but a look at what is going on.
      this.#recent.delete(oldest);
    }
  }

  /**
   * 48 bits: among the few actions that are compared no two others are taken for the same, and without
   * the key nobody can make such. Where there is no text the parameters say what the action is, in whatever
   * order they come: clients of some languages send them in another each time.
   */
  #digest(action_type: string, content: string | null, metadata: JsonObject | null): number {
    const what = content === null ? `m${sortedText(metadata ?? {})}` : `c${content}`;
    return hash("sha256", `${this.#key}${action_type}\n${what}`, "buffer").readUIntBE(0, 6);
  }
}

/** A policy of type loop takes the place of the built-in warning, switched on or not. */
function watchedBy(policies: ReadonlyMap<string, Policy>): readonly Watched[] {
  const own = [...policies.values()].filter(({ document }) => document.policy_type === "loop");
  if (own.length === 0) {
    return [{ policy_id: default_loop_id, loop: default_loop, counts_bare: false }];
  }
  return own.flatMap(({ document }) => {
    try {
      return document.enabled
        ? [{ policy_id: document.policy_id, loop: loopOf(document), counts_bare: true }]
        : [];
    } catch {
      // It does not compile under these rules: then it refuses all that it is about.
      return [];
    }
  });
}
