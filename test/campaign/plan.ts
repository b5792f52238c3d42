/** What happens in each round, out of one seed: the same seed gives the same schedule. */
import { numbersOf } from "../mutations/mutations.js";
import { type Cut, cuts } from "./cutting-proxy.js";
import { type Protocol, protocols } from "./lines.js";

/** Agents at a time, and labels. */
export const agents = 4;
export const labels = ["red", "blue"] as const;

/** A session is named by how many starts ago it was planned. */
type Act =
  | {
      readonly do: "start";
      readonly agent: number;
      /** Whether it runs on the agent's credential; else on a person's key. */
      readonly on_credential: boolean;
      readonly label: number;
      readonly under: number | null;
      readonly ttl_seconds: number | null;
      readonly max_actions: number | null;
      readonly watch: Protocol;
      readonly stream: "none" | "silent" | "acknowledges";
    }
  | { readonly do: "ask"; readonly session: number; readonly count: number }
  | { readonly do: "watch"; readonly back: readonly number[]; readonly by: Protocol }
  | { readonly do: "kill" | "end"; readonly session: number }
  | { readonly do: "revoke credential" | "revoke agent"; readonly agent: number }
  | { readonly do: "pause" | "resume"; readonly session: number }
  | {
      readonly do: "halt";
      readonly scope: "agent" | "label" | "workspace";
      readonly of: number;
      readonly mode: "kill" | "pause";
    }
  /** Lifts the oldest halt that is in force. */
  | { readonly do: "lift" }
  | {
      readonly do: "cut";
      readonly of: number;
      readonly at: number;
      readonly how: Cut;
      readonly stall_ms: number;
    }
  | { readonly do: "restart"; readonly signal: "SIGTERM" | "SIGKILL" };

/** An act, and how long after the one before it begins. */
export type Step = Act & { readonly wait_ms: number };

/** The steps of one round. */
export function roundOf(seed: number, number: number): readonly Step[] {
  const next = numbersOf(mixed(seed, number));
  const below = (bound: number) => Math.floor(next() * bound);
  const chance = (share: number) => next() < share;
  const one = <T>(of: readonly T[]) => of[below(of.length)] as T;
  const make: readonly (readonly [weight: number, make: () => Act])[] = [
    [
      8,
      () => ({
        do: "start",
        agent: below(agents),
        on_credential: chance(0.5),
        label: below(labels.length),
        under: chance(0.35) ? below(6) : null,
        ttl_seconds: chance(0.15) ? 1 : null,
        max_actions: chance(0.3) ? 1 + below(20) : null,
        watch: one(protocols),
        stream: one(["none", "silent", "acknowledges"] as const),
      }),
    ],
    [6, () => ({ do: "ask", session: below(8), count: 1 + below(12) })],
    [2, () => ({ do: "watch", back: [0, 1, 2, 3].map((i) => i + below(3)), by: one(protocols) })],
    [5, () => ({ do: "kill", session: below(8) })],
    [2, () => ({ do: "end", session: below(8) })],
    [1.5, () => ({ do: "pause", session: below(8) })],
    [1.5, () => ({ do: "resume", session: below(8) })],
    [
      0.7,
      () => ({
        do: "halt",
        scope: chance(0.1) ? "workspace" : one(["agent", "label"] as const),
        of: below(agents),
        mode: chance(0.5) ? "kill" : "pause",
      }),
    ],
    [1.4, () => ({ do: "lift" })],
    [0.5, () => ({ do: chance(0.7) ? "revoke credential" : "revoke agent", agent: below(agents) })],
    [4, () => ({ do: "cut", of: 1 + below(4), at: below(4), how: one(cuts), stall_ms: below(60) })],
    [0.2, () => ({ do: "restart", signal: chance(0.5) ? "SIGTERM" : "SIGKILL" })],
  ];
  const total = make.reduce((sum, [weight]) => sum + weight, 0);
  const act = () => {
    let left = next() * total;
    for (const [weight, made] of make) {
      left -= weight;
      if (left < 0) {
        return made();
      }
    }
    throw new Error("the weights sum up to less than they do");
  };
  return Array.from({ length: 10 + below(15) }, () => ({
    // Half of them at once: in one turn, in one write, in one packet.
    wait_ms: chance(0.5) ? 0 : below(20),
    ...act(),
  }));
}

function mixed(seed: number, number: number): number {
  let state = (seed ^ Math.imul(number + 1, 0x9e37_79b1)) >>> 0;
  state = Math.imul(state ^ (state >>> 16), 0x85eb_ca6b) >>> 0;
  state = Math.imul(state ^ (state >>> 13), 0xc2b2_ae35) >>> 0;
  return (state ^ (state >>> 16)) >>> 0;
}
