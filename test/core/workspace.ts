/**
 * A workspace in memory: what the engine does with the core, without disk, clock or promise. It
 * holds decide to its word on the way: nothing written, and the same answer twice.
 */
import { expect } from "chai";
import type { Actor } from "../../src/core/actor.js";
import { system_actor } from "../../src/core/actor.js";
import type { Command } from "../../src/core/command.js";
import { decide } from "../../src/core/decide.js";
import type { Decision } from "../../src/core/decision.js";
import type { Event } from "../../src/core/event.js";
import { evolve } from "../../src/core/evolve.js";
import { policiesAfter } from "../../src/core/policy/change.js";
import { keptRepeat, repeatableOf } from "../../src/core/repeat.js";
import { emptyState, type State } from "../../src/core/state.js";
import { policySetDigest } from "../../src/engine/digest.js";
import { digest } from "./digest.js";
import { HeardOf } from "./heard-of.js";

/** A command without what the workspace stamps. */
export type Asked = Command extends infer C
  ? C extends Command
    ? Omit<C, "at" | "request_id" | "policy_set_digest">
    : never
  : never;

export const began_at = Date.UTC(2026, 0, 1);

export class Workspace {
  state: State = emptyState();
  readonly log: Event[] = [];
  now = began_at;
  readonly #leases = new HeardOf();
  readonly #checks: boolean;

  /** @param checks false where states are so large that a digest a command would take too long */
  constructor(checks = true) {
    this.#checks = checks;
    this.apply({ event: "vault_opened", at: this.now, actor: system_actor, workspace_id: "ws_1" });
  }

  apply(event: Event): void {
    evolve(this.state, event);
    this.#leases.take(event);
    this.log.push(event);
  }

  submit(asked: Asked): Decision {
    const command = this.#stamped(asked as Command);
    const decision = this.#checks ? this.#decideTwice(command) : decide(this.state, command);
    for (const event of decision.events) {
      this.apply(event);
    }
    if (asked.type === "intercept" && asked.session_id !== null && decision.reply.type !== "refused") {
      this.renew(asked.session_id);
    }
    return decision;
  }

  /** The client of a session was heard. */
  renew(session_id: string): void {
    this.#leases.renew(session_id, this.now);
  }

  /** Makes the first key of the workspace, which may do everything. */
  bootstrap(): Actor {
    this.submit({
      type: "create_key",
      actor: system_actor,
      name: "bootstrap",
      roles: ["admin"],
      agent_id: null,
      secret_digest: "secret of root",
      ttl_seconds: null,
      repeat: null,
    });
    return { key_id: [...this.state.keys.keys()][0] as string, role: "admin" };
  }

  /** The process dies; entries from `size` on were never written. A restart replays the rest. */
  crash(size: number): void {
    this.log.splice(size);
    this.state = replay(this.log);
    this.#leases.restart(this.now);
  }

  /** What the engine stamps: the time, the leases that are lost, and whether a repeat is one. */
  #stamped(asked: Command): Command {
    const lost_leases = this.#leases.lost(this.state, asked, this.now);
    const stamp = { at: this.now, request_id: null, ...(lost_leases.length === 0 ? {} : { lost_leases }) };
    const command = sameAction(this.state, { ...asked, ...stamp } as Command);
    if (command.type === "change_policy") {
      const policy_set_digest = policySetDigest(policiesAfter(this.state, command));
      return { ...command, policy_set_digest };
    }
    const repeat = repeatableOf(command);
    if (repeat === null) {
      return command;
    }
    const kept = keptRepeat(this.state, command);
    const same_request = kept === null ? null : kept.request_digest === repeat.request_digest;
    return { ...command, repeat: { ...repeat, same_request } } as Command;
  }

  #decideTwice(command: Command): Decision {
    const before = digest(this.state);
    const decision = decide(this.state, command);
    expect(decide(this.state, command), "decide is deterministic").to.deep.equal(decision);
    expect(digest(this.state), "decide writes nothing").to.equal(before);
    return decision;
  }
}

/** What the sequencer finds out of an action that names an escalation: here digests are compared as they are. */
function sameAction(state: State, command: Command): Command {
  if (command.type !== "intercept" || command.escalation === undefined) {
    return command;
  }
  const { escalation_id } = command.escalation;
  const named = state.escalations.get(escalation_id) ?? state.approvals.get(escalation_id);
  const same_action =
    named?.action_digest === command.action_digest && named.details_digest === command.details_digest;
  return { ...command, escalation: { escalation_id, same_action } };
}

/** The state that a log leads to. */
export function replay(log: readonly Event[]): State {
  const state = emptyState();
  for (const event of log) {
    evolve(state, event);
  }
  return state;
}
