/** What an agent declares about itself: as one sealed object, and back. Kept, not enforced. */
import { type JsonObject, toJson } from "@bufbuild/protobuf";
import {
  type RegisterAgentRequest,
  RegisterAgentRequestSchema,
} from "../../gen/killcord/v1/credential_pb.js";
import type { Profile } from "../core/event.js";
import { limits } from "../limits.js";
import { CanonicalError, canonical } from "../vault/canonical.js";
import { decimals } from "../vault/details.js";
import { invalid } from "./validate.js";

/** Room that the rest of the entry's content needs. */
const profile_bytes_max = limits.entry_bytes - 4096;

/**
 * The profile of a registration, with its numbers as they are sealed.
 *
 * @returns `decimals`: pointers to numbers that are sealed as text (vault-format.md, 1)
 * @throws {KillcordError} invalid_argument when it cannot be sealed
 */
export function profileOf(request: RegisterAgentRequest): {
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
  const stated = {
    ...(description === undefined ? {} : { description }),
    ...(capabilities === undefined ? {} : { capabilities }),
    ...(Object.keys(declared).length === 0 ? {} : { declared }),
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

/** The parts of a profile. Numbers that were sealed as text are shown as text. */
export function declaredOf(profile: Profile): {
  readonly description: string | null;
  readonly capabilities: readonly string[];
  readonly declared: JsonObject | null;
} {
  return {
    description: (profile.description as string | undefined) ?? null,
    capabilities: (profile.capabilities as readonly string[] | undefined) ?? [],
    declared: (profile.declared as JsonObject | undefined) ?? null,
  };
}
