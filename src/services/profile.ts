/** What an agent declares about itself: as one sealed object, and back. Kept, not enforced. */
import { type JsonObject, toJson } from "@bufbuild/protobuf";
import {
  type RegisterAgentRequest,
  RegisterAgentRequestSchema,
} from "../../gen/killcord/v1/credential_pb.js";
import type { Profile } from "../core/event.js";
import type { Agent } from "../core/state.js";
import { limits } from "../limits.js";
import { CanonicalError, canonical } from "../vault/canonical.js";
import { decimals } from "../vault/details.js";
import { invalid } from "./validate.js";
import { given } from "./view.js";

/** Room that the rest of the entry's content needs. */
const profile_bytes_max = limits.entry_bytes - 4096;

/**
 * The profile of a registration, with its numbers as they are sealed. What the request leaves out
 * stays as it is known: a client that names one field must not erase what another client declared.
 *
 * @param known the agent as it is, registered before or not
 * @returns `decimals`: pointers to numbers that are sealed as text (vault-format.md, 1)
 * @throws {KillcordError} invalid_argument when it cannot be sealed
 */
export function profileOf(
  request: RegisterAgentRequest,
  known?: Agent,
): {
  readonly profile: Profile;
  readonly decimals: readonly string[];
} {
  const {
    name: _name,
    framework: _framework,
    description,
    capabilities,
    ...declared
  } = toJson(RegisterAgentRequestSchema, request, { useProtoFieldName: true }) as JsonObject;
  const before = known === undefined ? nothing_declared : declaredOf(known);
  const all_declared = { ...before.declared, ...declared };
  const stated = {
    ...given("description", description ?? before.description),
    ...given("capabilities", capabilities ?? (before.capabilities.length === 0 ? null : before.capabilities)),
    ...(Object.keys(all_declared).length === 0 ? {} : { declared: all_declared }),
  };
  try {
    const sealed = decimals(stated, "/profile");
    canonical(sealed.value, profile_bytes_max);
    return { profile: sealed.value as Profile, decimals: sealed.decimals };
  } catch (error) {
    if (error instanceof CanonicalError) {
      throw invalid([{ field: "declared", issue: error.message }]);
    }
    throw error;
  }
}

const nothing_declared = { description: null, capabilities: [], declared: null } as const;

/** The parts of a profile, with its numbers as numbers again. */
export function declaredOf(agent: Agent): {
  readonly description: string | null;
  readonly capabilities: readonly string[];
  readonly declared: JsonObject | null;
} {
  const profile = structuredClone(agent.profile) as {
    description?: string;
    capabilities?: string[];
    declared?: JsonObject;
  };
  for (const pointer of agent.decimals) {
    const path = pointer.split("/").slice(2).map(unescaped);
    const last = path.pop() as string;
    const parent = path.reduce<unknown>((value, name) => (value as JsonObject)[name], profile) as JsonObject;
    parent[last] = Number(parent[last]);
  }
  const { description = null, capabilities = [], declared = null } = profile;
  return { description, capabilities, declared };
}

/** One step of a JSON pointer (RFC 6901). */
function unescaped(step: string): string {
  return step.replaceAll("~1", "/").replaceAll("~0", "~");
}
