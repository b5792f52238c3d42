/** A policy as somebody wrote it: made ready, or everything that is wrong with it. */
import type { JsonObject, PolicyDocument } from "../core/policy/document.js";
import { PolicyError } from "../core/policy/error.js";
import { parsePolicy } from "../core/policy/parse.js";
import { policy_schema } from "./schema.js";
import { type Fault, faultsBy } from "./schema-faults.js";

const schemaFaults = faultsBy(policy_schema);

export type ReadPolicy =
  | { readonly document: PolicyDocument; readonly faults: readonly [] }
  | { readonly document: null; readonly faults: readonly Fault[] };

/**
 * Reads the members of a policy, as JSON has them. What fits the schema may still not compile, of which
 * the core tells one fault at a time.
 */
export function readPolicy(
  value: unknown,
  identity: Pick<PolicyDocument, "policy_id" | "source">,
): ReadPolicy {
  const faults = schemaFaults(value);
  if (faults.length > 0) {
    return { document: null, faults };
  }
  try {
    return { document: parsePolicy(value as JsonObject, identity), faults: [] };
  } catch (error) {
    if (error instanceof PolicyError) {
      return { document: null, faults: [{ path: error.path, message: error.message }] };
    }
    throw error;
  }
}

/** A JSON pointer as errors name fields: `conditions.patterns[0]`. */
export function fieldOf(path: string): string {
  return path
    .split("/")
    .slice(1)
    .map((each) => each.replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce(
      (field, name) => (/^\d+$/.test(name) ? `${field}[${name}]` : field === "" ? name : `${field}.${name}`),
      "",
    );
}
