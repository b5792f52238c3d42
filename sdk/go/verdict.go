package killcord

import (
	"fmt"
	"time"

	v1 "killcord.example/killcord/gen/killcord/v1"
)

// Decision is an allow.
type Decision struct {
	// DecisionID is `enf_` and 12 hex digits; empty when Offline.
	DecisionID   string
	VaultEntryID string
	Reasoning    string
	// Policies had a say, warnings among them; PoliciesShadowed would have had one, but are in shadow mode.
	Policies, PoliciesShadowed []Policy
	// Warnings are what the run should know beside it. Listeners are told as well.
	Warnings []Warning
	// Actions is how many the session has used, this one among them.
	Actions int64
	// Consumed is what the session has used, Reserved what is held for actions that are not settled.
	Consumed, Reserved Amounts
	// BudgetLeft is what is left before something limits the run.
	BudgetLeft BudgetLeft
	// NextStep is what to do next, as text for people.
	NextStep string
	// EscalationID is the approval that allowed it; empty for none.
	EscalationID string
	// Offline says that the server was not asked: it was unreachable, and the session may FailOpen.
	Offline bool
}

// BudgetLeft is the least that is left, of the session and all that it is a part of. nil: nothing
// limits it.
type BudgetLeft struct {
	Actions, Tokens, CostUSDMicros *int64
	// TTL until it expires, Idle until it expires for want of an action, in whole seconds.
	TTL, Idle *time.Duration
}

// Policy had a say in a verdict.
type Policy struct {
	ID, Name, Reason string
	// Verdict is what it asked for: "allow", "block", "escalate" or "terminate".
	Verdict string
	// Version of it that judged, 1 and up; 0 for those of the server itself.
	Version int32
}

// Warning is something that a run should know; it goes on.
type Warning struct {
	// PolicyID is which policy warns; "__soft_limit" for a share of a budget that is used.
	PolicyID string
	Message  string
}

// judge reads a verdict. What a newer server may say, and this client does not know, is a refusal.
func (s *Session) judge(action string, answer *v1.InterceptResponse) (*Decision, error) {
	held := answer.GetSessionStatus() == v1.SessionStatus_SESSION_STATUS_PAUSED
	why := answer.GetReasoning()
	switch answer.GetDecision() {
	case v1.Verdict_VERDICT_ALLOW:
		if held {
			return nil, newPaused(s.id, action, answer.GetDecisionId(), why)
		}
		if answer.GetSessionStatus() == v1.SessionStatus_SESSION_STATUS_ACTIVE {
			return decisionOf(answer), nil
		}
		why = fmt.Sprintf("this client does not know the status %q that came with an allow", statusOf(answer.GetSessionStatus()))
	case v1.Verdict_VERDICT_BLOCK:
		if held {
			return nil, newPaused(s.id, action, answer.GetDecisionId(), why)
		}
	case v1.Verdict_VERDICT_ESCALATE:
		return nil, &ActionEscalated{
			SessionID: s.id, ActionType: action, Reasoning: why,
			DecisionID: answer.GetDecisionId(), Policies: policiesOf(answer.GetPoliciesTriggered()),
			NextStep: answer.GetNextStep(), EscalationID: answer.GetEscalationId(),
		}
	default:
		why = fmt.Sprintf("this client does not know the verdict %q: %s", word(answer.GetDecision(), "VERDICT_"), why)
	}
	return nil, &ActionBlocked{
		SessionID: s.id, ActionType: action, Reasoning: why,
		DecisionID: answer.GetDecisionId(), Policies: policiesOf(answer.GetPoliciesTriggered()),
		NextStep: answer.GetNextStep(),
	}
}

func decisionOf(answer *v1.InterceptResponse) *Decision {
	consumed := answer.GetConsumed()
	return &Decision{
		DecisionID: answer.GetDecisionId(), VaultEntryID: answer.GetVaultEntryId(), Reasoning: answer.GetReasoning(),
		Policies:         policiesOf(answer.GetPoliciesTriggered()),
		PoliciesShadowed: policiesOf(answer.GetPoliciesShadowed()),
		Warnings:         warningsOf(answer.GetWarnings()),
		Actions:          consumed.GetActions(),
		Consumed:         Amounts{Tokens: consumed.GetTokens(), CostUSDMicros: consumed.GetCostUsdMicros()},
		Reserved:         amountsOf(answer.GetReserved()),
		BudgetLeft:       leftOf(answer.GetBudgetLeft()),
		NextStep:         answer.GetNextStep(),
		EscalationID:     answer.GetEscalationId(),
	}
}

func leftOf(left *v1.BudgetLeft) BudgetLeft {
	if left == nil {
		return BudgetLeft{}
	}
	return BudgetLeft{
		Actions: left.Actions, Tokens: left.Tokens, CostUSDMicros: left.CostUsdMicros,
		TTL: durationOf(left.TtlSeconds), Idle: durationOf(left.IdleSeconds),
	}
}

func durationOf(seconds *int64) *time.Duration {
	if seconds == nil {
		return nil
	}
	length := time.Duration(*seconds) * time.Second
	return &length
}

func policiesOf(said []*v1.PolicyTriggered) []Policy {
	var policies []Policy
	for _, each := range said {
		policies = append(policies, Policy{
			ID: each.GetPolicyId(), Name: each.GetName(), Reason: each.GetReason(),
			Verdict: word(each.GetDecision(), "VERDICT_"), Version: each.GetVersion(),
		})
	}
	return policies
}

func warningsOf(said []*v1.Warning) []Warning {
	var warnings []Warning
	for _, each := range said {
		warnings = append(warnings, Warning{PolicyID: each.GetPolicyId(), Message: each.GetMessage()})
	}
	return warnings
}
