/** What a replay knows at a point of the log (vault-format.md, 9, "Replay"). */
import { limits } from "../../limits.js";
import type { HashTree } from "../merkle.js";
import type { Amounts, Consumed, Content, SessionStarted, Unit } from "./content.js";
import type { Header } from "./header.js";
import type { EntryKeys } from "./keys.js";

export const units: readonly Unit[] = ["actions", "tokens", "cost_usd_micros"];

/** A whole number for each unit; of reservations, `actions` stays 0. */
export type PerUnit<T = number> = { [unit in Unit]: T };

export type Status = "active" | "paused" | "killed" | "expired" | "ended";

/** A time in which a session was held. */
export interface Pause {
  readonly from: number;
  readonly cause: number | null;
  /** Whether it was held because an ancestor was. */
  readonly inherited: boolean;
  /** Index of the entry that ended it. */
  until: number | null;
}

export interface Session {
  readonly id: string;
  readonly start: SessionStarted;
  readonly start_sequence: number;
  /** Itself, its parent, and so on up. A slice shows no parents. */
  readonly lineage: readonly Session[];
  next_index: number;
  status: Status;
  /** Index of its terminal event. */
  ended: number | null;
  readonly limits: PerUnit<number | null>;
  expires_at: string | null;
  readonly spent: PerUnit;
  readonly reserved: PerUnit;
  /** The halt ids of its kills, expiries and pauses: what a client may acknowledge. */
  readonly halt_ids: Set<string>;
  readonly pauses: Pause[];
}

/** One entry of the replay. */
export interface Item {
  readonly sequence: number;
  readonly content: Content;
  /** The key that signed the entry. */
  readonly key_id: string;
}

/** A stop of everything on a scope. */
export interface Order {
  readonly sequence: number;
  readonly mode: "kill" | "pause";
}

/** A stop that one session owes to a budget or a lease. */
export interface Debt extends Order {
  readonly session: Session;
  readonly was_paused: boolean;
}

/** An action that waited for a person. */
export interface Escalation {
  readonly session_id: string | null;
  resolution: string | null;
  /** Whether an allow has named it. */
  used: boolean;
}

export interface State {
  readonly header: Header;
  readonly keys: EntryKeys;
  /** Roots of earlier sizes; null in a slice, which has no tree. */
  readonly tree: HashTree | null;
  readonly sha256: (bytes: Uint8Array) => Uint8Array;

  readonly sessions: Map<string, Session>;
  live_sessions: number;
  decisions: number;
  terminations: number;

  /** Halts in force by their ids: which scope each covers, as a key of scope.ts. */
  readonly halts: Map<string, string>;
  /** How many halts and revocations are in force, by scope. */
  readonly standing: Map<string, number>;
  /** Every stop that was ordered, by scope, in order. */
  readonly orders: Map<string, Order[]>;
  readonly debts: Debt[];
  /** Sessions whose kill or pause names an order as its cause. */
  readonly followers: Map<number, { killed: string[]; paused: number }>;
  /** Entries that others may name as their cause, and orders whose lists the end checks compare. */
  readonly causes: Map<number, Content>;

  /** Credentials that were issued or named by a session, with their parents. */
  readonly credentials: Map<string, { readonly parents: readonly string[]; issued: boolean }>;
  readonly reservations: Map<string, { readonly session: Session; readonly held: Amounts }>;
  readonly escalations: Map<string, Escalation>;
  /** Ids of decisions, halts, keys and drills: each may be given once. */
  readonly used_ids: Set<string>;
  /** Entry keys that the log named. */
  readonly entry_keys: Set<string>;

  /** Digests of details by index; those whose details are not there; erasures by their targets. */
  readonly digests: Map<number, string>;
  readonly missing: Set<number>;
  readonly erasures: Map<number, number>;
}

export function newState(
  header: Header,
  keys: EntryKeys,
  tree: HashTree | null,
  sha256: State["sha256"],
): State {
  return {
    header,
    keys,
    tree,
    sha256,
    sessions: new Map(),
    live_sessions: 0,
    decisions: 0,
    terminations: 0,
    halts: new Map(),
    standing: new Map(),
    orders: new Map(),
    debts: [],
    followers: new Map(),
    causes: new Map(),
    credentials: new Map(),
    reservations: new Map(),
    escalations: new Map(),
    used_ids: new Set(),
    entry_keys: new Set(),
    digests: new Map(),
    missing: new Set(),
    erasures: new Map(),
  };
}

/** The session that its start makes; the state does not know it yet. */
export function openSession(state: State, sequence: number, start: SessionStarted): Session {
  const parent = start.parent_session_id === null ? undefined : state.sessions.get(start.parent_session_id);
  // Behind so many parents the rest is left out, so that no bundle makes a replay quadratic; the
  // start itself is refused as a transition.
  const above = parent?.lineage.slice(0, limits.verified_levels) ?? [];
  const session: Session = {
    id: start.session_id,
    start,
    start_sequence: sequence,
    lineage: [],
    next_index: start.session_index + 1,
    status: "active",
    ended: null,
    limits: {
      actions: start.budgets.max_actions,
      tokens: start.budgets.max_tokens,
      cost_usd_micros: start.budgets.max_cost_usd_micros,
    },
    expires_at: start.expires_at,
    spent: { actions: 0, tokens: 0, cost_usd_micros: 0 },
    reserved: { actions: 0, tokens: 0, cost_usd_micros: 0 },
    halt_ids: new Set(),
    pauses: [],
  };
  return Object.assign(session, { lineage: [session, ...above] });
}

/** The session of an entry, if the log has it. */
export function sessionOf(state: State, content: Content): Session | undefined {
  const id = "session_id" in content ? content.session_id : null;
  return id == null ? undefined : state.sessions.get(id);
}

/** The nearest of a session and its ancestors that is terminal. */
export function endedOn(session: Session): Session | undefined {
  return session.lineage.find(({ ended }) => ended !== null);
}

/** The nearest of a session and its ancestors that is held. */
export function pausedOn(session: Session): Session | undefined {
  return session.lineage.find(({ status }) => status === "paused");
}

/** Amounts of a reservation or a charge for every unit. */
export function perUnit(amounts: Amounts | Consumed | null): PerUnit {
  const { tokens = 0, cost_usd_micros = 0 } = amounts ?? {};
  return { actions: amounts !== null && "actions" in amounts ? amounts.actions : 0, tokens, cost_usd_micros };
}
