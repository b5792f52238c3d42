/** Making, changing and taking away policies. */
import { limits } from "../../limits.js";
import { quoted } from "../access.js";
import type { ChangePolicy } from "../command.js";
import { answer, type Decision, Draft, refuse } from "../decision.js";
import { keptRepeat, refuseOtherRequest } from "../repeat.js";
import { sortedText } from "../sorted-text.js";
import type { State } from "../state.js";
import type { PolicyDocument } from "./document.js";
import { PolicyError } from "./error.js";
import type { PolicyOrder } from "./order.js";
import { parsePolicy } from "./parse.js";

export function changePolicy(state: State, command: ChangePolicy): Decision {
  const kept = keptRepeat(state, command);
  if (kept !== null) {
    const policy_id = kept.subject_id;
    return refuseOtherRequest(command) ?? answer({ type: "policy", policy_id, version: 1, replayed: true });
  }
  const document = parsed(command);
  if (document instanceof PolicyError) {
    const { path, message } = document;
    const field = path.slice(1).replaceAll("/", ".");
    return refuse("invalid_argument", `the policy cannot be used: ${path} ${message}`, [
      { field, issue: message },
    ]);
  }
  const refusal = refuseChange(state, command, document);
  if (refusal !== null) {
    return refusal;
  }
  const { policy_id } = command;
  const before = state.policies.get(policy_id);
  const version = versionAfter(state, command);
  if (before !== undefined && document !== null && sortedText(before.document) === sortedText(document)) {
    return answer({ type: "policy", policy_id, version: before.version, replayed: false });
  }
  const draft = new Draft(state, command);
  draft.add(
    {
      event: "policy_changed",
      actor: command.actor,
      change: command.change,
      policy_id,
      version,
      policy: document,
      policy_set_digest: command.policy_set_digest,
    },
    command.repeat,
  );
  return { reply: { type: "policy", policy_id, version, replayed: false }, events: draft.events };
}

function parsed({ written, policy_id, source }: PolicyOrder): PolicyDocument | PolicyError | null {
  try {
    return written === null ? null : parsePolicy(written, { policy_id, source });
  } catch (error) {
    return error instanceof PolicyError ? error : new PolicyError("", String(error));
  }
}

function refuseChange(
  state: State,
  { change, policy_id }: PolicyOrder,
  document: PolicyDocument | null,
): Decision | null {
  const before = state.policies.get(policy_id);
  if ((change === "updated" || change === "deleted") && before === undefined) {
    return refuse("policy_not_found", `there is no policy ${quoted(policy_id)}`);
  }
  if (document === null) {
    return null;
  }
  if (change === "created" && before !== undefined) {
    return refuse("already_exists", `there is a policy ${quoted(policy_id)}`);
  }
  const namesake = [...state.policies.values()].find((each) => each.document.name === document.name);
  if (namesake !== undefined && namesake !== before) {
    return refuse("already_exists", `there is a policy named ${quoted(document.name)}: change that one`);
  }
  return before === undefined && state.policies.size >= limits.policies
    ? refuse("limit_reached", `the workspace holds no more than ${limits.policies} policies`)
    : null;
}

function versionAfter(state: State, { policy_id, written }: PolicyOrder): number {
  const before = state.policies.get(policy_id)?.version ?? 0;
  return written === null ? before : before + 1;
}

/**
 * What will be in force after a change: the ids and versions of all policies that are switched on, by
 * id. Its SHA-256 as canonical JSON is the policy_set_digest (vault-format.md, 3).
 */
export function policiesAfter(state: State, change: PolicyOrder): readonly (readonly [string, number])[] {
  const set = new Map<string, number>();
  for (const { document, version } of state.policies.values()) {
    if (document.enabled) {
      set.set(document.policy_id, version);
    }
  }
  set.delete(change.policy_id);
  if (change.written !== null && change.written.enabled !== false) {
    set.set(change.policy_id, versionAfter(state, change));
  }
  return [...set].sort(([a], [b]) => (a < b ? -1 : 1));
}
