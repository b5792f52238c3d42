/** Policies that remember, with nothing around them: decisions go in as sealed facts, findings come out. */
import type { Finding } from "../../../src/core/policy/action.js";
import { compile } from "../../../src/core/policy/compile.js";
import { noCounters } from "../../../src/core/policy/counter.js";
import type { JsonObject } from "../../../src/core/policy/document.js";
import {
  evolveCounted,
  evolvePolicy,
  evolveSettled,
  evolveStopped,
} from "../../../src/core/policy/evolve-counters.js";
import { parsePolicy } from "../../../src/core/policy/parse.js";
import type { Policy } from "../../../src/core/policy/policy.js";
import { isAbout } from "../../../src/core/policy/set.js";
import { Work } from "../../../src/core/policy/work.js";

/** One action that is asked for. */
export interface Ask {
  readonly at: number;
  readonly action_type?: string;
  readonly session_id?: string | null;
  readonly agent_id?: string | null;
  readonly label?: string | null;
  readonly cost?: { readonly tokens: number; readonly cost_usd_micros: number };
  readonly estimate?: { readonly tokens: number; readonly cost_usd_micros: number };
  /** What is decided besides the policies: `allow` unless one of them says otherwise. */
  readonly otherwise?: "block" | "escalate";
}

const unlimited = { limit: null, spent: 0, reserved: 0, overrun: 0 };

export class Remembering {
  counters = noCounters();
  readonly policies = new Map<string, Policy>();
  #sequence = 0;

  /** Sets a policy, or a new version of it. */
  set(written: JsonObject, policy_id = "0".repeat(32)): string {
    const document = parsePolicy(
      { name: policy_id, decision: "block", ...written },
      { policy_id, source: "api" },
    );
    const sequence = this.#sequence++;
    const version = (this.policies.get(policy_id)?.version ?? 0) + 1;
    const policy = { document, version, sequence, created_at: 0, updated_at: 0 };
    this.policies.set(policy_id, policy);
    evolvePolicy(this.counters, policy_id, policy, sequence);
    return policy_id;
  }

  delete(policy_id: string): void {
    this.policies.delete(policy_id);
    evolvePolicy(this.counters, policy_id, null, this.#sequence++);
  }

  /** What the policies find, without counting anything. */
  judge(ask: Ask): Map<string, Finding> {
    const { at, action_type = "act", session_id = "s1", agent_id = "a1", label = null, cost, estimate } = ask;
    const found = new Map<string, Finding>();
    for (const [policy_id, { document }] of this.policies) {
      const finding = !isAbout(document, action_type)
        ? null
        : compile(document).judge({
            at,
            action_type,
            content: null,
            metadata: null,
            agent_id,
            label,
            session:
              session_id === null
                ? null
                : {
                    session_id,
                    status: "active",
                    level: 0,
                    started_at: 0,
                    actions: unlimited,
                    tokens: unlimited,
                    cost_usd_micros: unlimited,
                  },
            cost: cost ?? null,
            estimate: estimate ?? null,
            counters: this.counters,
            loops: [],
            work: new Work(1_000),
          });
      if (finding !== null) {
        found.set(policy_id, finding);
      }
    }
    return found;
  }

  /** Judges an action and seals what comes of it; returns the decision's id, and whether it was allowed. */
  act(ask: Ask): {
    readonly decision_id: string;
    readonly allowed: boolean;
    readonly reasons: readonly string[];
  } {
    const found = this.judge(ask);
    const triggered = [...found].map(([policy_id, { reason, decision = "block" }]) => ({
      policy_id,
      name: policy_id,
      decision,
      reason,
    }));
    const { at, action_type = "act", session_id = "s1", agent_id = "a1", label = null, cost, estimate } = ask;
    const verdict = found.size > 0 ? "block" : (ask.otherwise ?? "allow");
    const allowed = verdict === "allow";
    const sequence = this.#sequence++;
    const decision_id = `enf_${sequence}`;
    evolveCounted(this.counters, this.policies, {
      at,
      sequence,
      decision_id,
      action_type,
      who: { session_id, agent_id, label },
      verdict,
      is_action: true,
      speaks_for_agent: true,
      triggered,
      charge: allowed ? (cost ?? null) : null,
      reservation: allowed ? (estimate ?? null) : null,
    });
    return { decision_id, allowed, reasons: [...found.values()].map(({ reason }) => reason) };
  }

  settle(decision_id: string, at: number, tokens: number, cost_usd_micros = 0): void {
    this.#sequence++;
    evolveSettled(this.counters, this.policies, decision_id, { tokens, cost_usd_micros }, at);
  }

  /** The counters as a snapshot brings them back. */
  restart(): void {
    const text = JSON.stringify(this.counters, (_, value) =>
      value instanceof Map ? { map: [...value] } : value,
    );
    this.counters = JSON.parse(text, (_, value) => (Array.isArray(value?.map) ? new Map(value.map) : value));
  }

  stop(session_id: string): void {
    evolveStopped(this.counters, this.policies, session_id);
  }
}
