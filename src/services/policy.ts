/** PolicyService: what agents may do, as calls keep it. */
import { randomBytes } from "node:crypto";
import type {
  CreatePolicyRequest,
  DeletePolicyRequest,
  ListPoliciesRequest,
  Policy as PolicyMessage,
  PolicyService,
  UpdatePolicyRequest,
} from "../../gen/killcord/v1/policy_pb.js";
import { byPrecedence, type Policy } from "../core/policy/policy.js";
import { limits } from "../limits.js";
import { by, type Context, submit } from "./context.js";
import type { Call } from "./door.js";
import { KillcordError } from "./errors.js";
import { evaluate } from "./evaluate.js";
import { sealedEvent } from "./halt-view.js";
import type { Handlers } from "./handlers.js";
import { cut, pageOf } from "./page.js";
import { policyView, sideOf } from "./policy-view.js";
import { written } from "./policy-written.js";

export function policyService(context: Context): Handlers<typeof PolicyService> {
  return {
    listPolicies: (request) => listPolicies(context, request),
    createPolicy: (request, call) => createPolicy(context, request, call),
    getPolicy: async ({ policyId }) => {
      const policy = knownPolicy(context.engine.projection.state.policies, policyId);
      return { policy: await sealedView(context, policy, policy.sequence) };
    },
    updatePolicy: (request, call) => updatePolicy(context, request, call),
    deletePolicy: (request, call) => deletePolicy(context, request, call),
    evaluate: (request) => evaluate(context, request),
  };
}

async function listPolicies({ engine }: Context, request: ListPoliciesRequest) {
  const page = pageOf(request, "policies", limits.policies, limits.policies);
  const { policies, policy_set_digest } = engine.projection.state;
  const sorted = [...policies.values()].sort(byPrecedence);
  // A page begins after a policy that may be gone by then: its place is in what it was sorted by.
  const isAfter = ({ document }: Policy, place: string) => {
    const [priority, name] = JSON.parse(place) as [number, string];
    return document.priority < priority || (document.priority === priority && document.name > name);
  };
  const placeOf = ({ document }: Policy) => JSON.stringify([document.priority, document.name]);
  const { rows, ...rest } = await cut(page, sorted, isAfter, placeOf);
  return { policies: rows.map(policyView), ...rest, policySetDigest: policy_set_digest };
}

async function createPolicy(context: Context, request: CreatePolicyRequest, call: Call) {
  const source = sideOf(request);
  refuseFileSide(context, source);
  const policy_id = randomBytes(16).toString("hex");
  const command = {
    change: changeBy(source, "created"),
    policy_id,
    written: written(request),
    source,
  } as const;
  return { policy: await changed(context, command, call) };
}

async function updatePolicy(context: Context, request: UpdatePolicyRequest, call: Call) {
  const { policyId: policy_id, version } = request;
  const source = sideOf(request);
  // From here to the decision nothing is awaited, so that what is looked at is what is changed.
  const before = knownPolicy(context.engine.state.policies, policy_id);
  refuseOtherSide(context, before, source);
  if (version !== undefined && version !== BigInt(before.version)) {
    throw new KillcordError(
      "version_mismatch",
      `version ${before.version} of this policy is in force, not ${version}: read it again and change that`,
    );
  }
  const command = {
    change: changeBy(source, "updated"),
    policy_id,
    written: written(request),
    source,
  } as const;
  return { policy: await changed(context, command, call) };
}

async function deletePolicy(context: Context, request: DeletePolicyRequest, call: Call) {
  const { policyId: policy_id } = request;
  const source = sideOf(request);
  const before = knownPolicy(context.engine.state.policies, policy_id);
  refuseOtherSide(context, before, source);
  const { events, entries } = await submit(
    context,
    call,
    { type: "change_policy", change: "deleted", policy_id, written: null, source, repeat: null, ...by(call) },
    "policy",
  );
  const place = events.findIndex(({ event }) => event === "policy_changed");
  const view = policyView(before);
  view.vaultEntryId = entries[place]?.entry_id ?? "";
  return { policy: view };
}

type Changing = Pick<
  Parameters<typeof submit>[2] & { readonly type: "change_policy" },
  "change" | "policy_id" | "written" | "source"
>;

/** Seals a change and shows the policy as it is sealed then. */
async function changed(context: Context, command: Changing, call: Call): Promise<PolicyMessage> {
  await submit(context, call, { type: "change_policy", ...command, repeat: null, ...by(call) }, "policy");
  const policy = knownPolicy(context.engine.projection.state.policies, command.policy_id);
  return sealedView(context, policy, policy.sequence);
}

async function sealedView(context: Context, policy: Policy, sequence: number): Promise<PolicyMessage> {
  const view = policyView(policy);
  view.vaultEntryId = (await sealedEvent(context, sequence)).entry_id;
  return view;
}

function knownPolicy(policies: ReadonlyMap<string, Policy>, policy_id: string): Policy {
  const policy = policies.get(policy_id);
  if (policy === undefined) {
    throw new KillcordError(
      "policy_not_found",
      `there is no policy ${JSON.stringify(policy_id.slice(0, 64))}, or no more`,
    );
  }
  return policy;
}

/** What files hold is sealed as such. */
function changeBy<Change extends "created" | "updated">(
  source: Policy["document"]["source"],
  change: Change,
): Change | "deployed" {
  return source === "file" ? "deployed" : change;
}

function refuseOtherSide(context: Context, { document }: Policy, asked: Policy["document"]["source"]): void {
  if (document.source === asked) {
    refuseFileSide(context, asked);
    return;
  }
  throw new KillcordError(
    "policy_from_file",
    document.source === "file"
      ? `the policy ${JSON.stringify(document.name)} comes from a file: change the file and apply it`
      : `the policy ${JSON.stringify(document.name)} was made by a call and not by a file: leave source out, or name the file's another`,
  );
}

/** A server that reads a directory by itself is its only writer. */
function refuseFileSide({ policy_directory }: Context, asked: Policy["document"]["source"]): void {
  if (asked === "file" && policy_directory !== undefined) {
    throw new KillcordError(
      "policy_from_file",
      `this server reads its files from ${policy_directory}: change them there, and nothing is to be applied`,
    );
  }
}
