/** What a caller should know beside a verdict: of its limits, and of policies that allow with a warning. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { WarningSchema } from "../../gen/killcord/v1/enforcement_pb.js";
import { amountText, limitText } from "../core/charge.js";
import type { Event } from "../core/event.js";
import type { PolicyWarning, Unit } from "../core/event-parts.js";

/** The policy by which soft limits warn. */
const soft_limit_policy = "__soft_limit";

/** A part of a limit that is used up, as text for people. */
export function softLimitText(unit: Unit, percent: number, limit: number, spent: number): string {
  return `${percent}% of ${limitText(unit, limit)} are used up: ${amountText(unit, spent)} spent`;
}

/**
 * @param sealed the decision or the settlement that is answered
 * @param events what was sealed with it; nothing for one that was sealed before
 */
export function warningsView(
  { session_id, warnings = [] }: Warned,
  events: readonly Event[],
): MessageInitShape<typeof WarningSchema>[] {
  const of_policies = warnings.map(({ policy_id, message }) => ({ policyId: policy_id, message }));
  const of_limits = events.flatMap((event) => {
    if (event.event !== "notice" || event.kind !== "soft_limit") {
      return [];
    }
    const { unit, percent, limit, spent } = event.body;
    const whose = event.session_id === session_id ? "" : ` in the session ${event.session_id} above`;
    return [{ policyId: soft_limit_policy, message: softLimitText(unit, percent, limit, spent) + whose }];
  });
  return [...of_policies, ...of_limits];
}

/** A decision or a settlement: of a decision also what policies warn of. */
interface Warned {
  readonly session_id: string | null;
  readonly warnings?: readonly PolicyWarning[];
}
