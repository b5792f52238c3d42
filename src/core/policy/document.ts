/** What a policy says: sealed whole with every change of it. */
import type { Verdict } from "../event-parts.js";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [member: string]: Json };

export type JsonObject = { readonly [member: string]: Json };

/** A policy as it is written. Numbers are finite and none is -0. */
export interface PolicyDocument {
  /** 32 hex digits. */
  readonly policy_id: string;
  /** Unique in the workspace. */
  readonly name: string;
  readonly description: string;
  /** One of those in types.ts. */
  readonly policy_type: string;
  /** What is done with an action that it is about. */
  readonly decision: Verdict;
  /** The higher ones are named first; int32. */
  readonly priority: number;
  /** Globs with `*`; none: every action. */
  readonly action_types: readonly string[];
  /** Members by type. */
  readonly conditions: JsonObject;
  /** Kept for clients that send it; nothing is decided by it. */
  readonly trust_threshold?: number;
  /** `shadow`: judged and told, not enforced. */
  readonly mode: "live" | "shadow";
  readonly enabled: boolean;
  /** Who keeps it: calls, or the files of a directory. */
  readonly source: "api" | "file";
}
