package killcord

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	v1 "killcord.example/killcord/gen/killcord/v1"
)

// Action is one thing that an agent wants to do.
type Action struct {
	// Type is what kind: 1 to 128 of A-Z a-z 0-9 _ . : / -
	Type string
	// Content is its text, at most 256 KiB of UTF-8. Never stored: only a salted digest is sealed.
	Content string
	// Metadata are facts about it, as JSON values, at most 64 KiB.
	Metadata map[string]any
	// ChainID and ChainStep place it in a chain of actions of the caller's.
	ChainID   string
	ChainStep *int32
	// ParentDecisionID is the decision that led to it.
	ParentDecisionID string
	// IdempotencyKey makes a repeat the same action: same verdict, counted once. Default: one of its
	// own for each call, under which the client's repeats are made.
	IdempotencyKey string
}

// Decision is an allow.
type Decision struct {
	// DecisionID is `enf_` and 12 hex digits; empty when Offline.
	DecisionID   string
	VaultEntryID string
	Reasoning    string
	// Policies had a say, warnings among them.
	Policies []Policy
	// Actions is how many the session has used, this one among them.
	Actions int64
	// Offline says that the server was not asked: it was unreachable, and the session may FailOpen.
	Offline bool
}

// Policy had a say in a verdict.
type Policy struct {
	ID, Name, Reason string
	// Verdict is what it asked for: "allow", "block", "escalate" or "terminate".
	Verdict string
}

// Intercept asks for one action. Only a nil error allows it. Else the error is, or wraps, an
// *ActionBlocked, *ActionEscalated, *SessionPaused, *SessionTerminated, *ServerUnreachable,
// *AccessDenied, *RequestRefused, or the end of ctx.
//
// While the server is unavailable the call is repeated, as the same action, until the client's timeout.
func (s *Session) Intercept(ctx context.Context, action Action) (*Decision, error) {
	facts, err := structpb.NewStruct(action.Metadata)
	if err != nil {
		return nil, fmt.Errorf("killcord: metadata of action %s: %w", action.Type, err)
	}
	request := &v1.InterceptRequest{
		SessionId: &s.id, ActionType: action.Type, ActionContent: optional(action.Content), Metadata: facts,
		ChainId: optional(action.ChainID), ChainStep: action.ChainStep,
		ParentDecisionId: optional(action.ParentDecisionID), IdempotencyKey: optional(action.IdempotencyKey),
	}
	for attempt := 0; ; attempt++ {
		if err := s.permit(ctx, action.Type); err != nil {
			return nil, err
		}
		if action.IdempotencyKey == "" {
			request.IdempotencyKey = optional(rand.Text())
		}
		decision, err := s.ask(ctx, request)
		var paused *SessionPaused
		if !errors.As(err, &paused) || s.options.WhenPaused != PauseWait {
			return decision, err
		}
		if !s.awaitChange(ctx, attempt) {
			return nil, context.Cause(ctx)
		}
	}
}

// awaitChange waits for the watch to tell of the pause that a verdict told of, or its end: it may
// lag behind, or be ahead, so the question is asked again after a while in any case.
func (s *Session) awaitChange(ctx context.Context, attempt int) bool {
	changed := s.change()
	if s.held.Load() != nil {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(pause(attempt))
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	case <-s.ctx.Done():
	case <-ctx.Done():
		return false
	}
	return true
}

// ask makes the round trip. A stop in the middle of it, or known when it is back, is the answer.
func (s *Session) ask(ctx context.Context, request *v1.InterceptRequest) (*Decision, error) {
	bound, cancel := s.Bind(ctx)
	defer cancel()
	var answer *v1.InterceptResponse
	var sent time.Duration
	err := s.client.repeat(bound, s.client.options.Timeout, func(ctx context.Context, at time.Duration) (err error) {
		sent = at
		answer, err = s.client.enforcement.Intercept(ctx, request)
		return err
	})
	if err == nil {
		s.client.outage.over()
		s.renew(sent, answer.GetSessionStatus())
		if answer.GetDecision() == v1.Verdict_VERDICT_TERMINATE || terminal(answer.GetSessionStatus()) {
			s.halt(s.stopIn(answer), aloud)
		}
	}
	if stop := s.stopped(); stop != nil {
		return nil, stop
	}
	if err != nil {
		return s.unanswered(request.GetActionType(), err)
	}
	return s.judge(request.GetActionType(), answer)
}

// unanswered is a refusal, unless the session was told to fail open.
func (s *Session) unanswered(action string, err error) (*Decision, error) {
	if denied(err) || status.Code(errors.Unwrap(err)) == codes.NotFound {
		// If it is the key or the session and not this one action, no stop can arrive any more: find out at once.
		s.beatNow()
	}
	if !unreachable(err) {
		return nil, fmt.Errorf("killcord: intercept %s: %w", action, err)
	}
	if held := s.held.Load(); held != nil {
		return nil, newPaused(s.id, action, "", held.Reason)
	}
	if s.options.FailOpen {
		s.client.log.Warn("killcord: action allowed without asking, since the session may fail open",
			"session", s.id, "action_type", action, "error", err)
		return &Decision{Offline: true, Reasoning: "the server is unreachable, and the session may fail open"}, nil
	}
	s.client.outage.failed(err)
	return nil, fmt.Errorf("killcord: intercept %s: %w", action, err)
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
			return &Decision{
				DecisionID: answer.GetDecisionId(), VaultEntryID: answer.GetVaultEntryId(), Reasoning: why,
				Policies: policiesOf(answer), Actions: answer.GetConsumed().GetActions(),
			}, nil
		}
		why = fmt.Sprintf("this client does not know the status %q that came with an allow", statusOf(answer.GetSessionStatus()))
	case v1.Verdict_VERDICT_BLOCK:
		if held {
			return nil, newPaused(s.id, action, answer.GetDecisionId(), why)
		}
	case v1.Verdict_VERDICT_ESCALATE:
		return nil, &ActionEscalated{
			SessionID: s.id, ActionType: action, Reasoning: why,
			DecisionID: answer.GetDecisionId(), Policies: policiesOf(answer),
		}
	default:
		why = fmt.Sprintf("this client does not know the verdict %q: %s", word(answer.GetDecision(), "VERDICT_"), why)
	}
	return nil, &ActionBlocked{
		SessionID: s.id, ActionType: action, Reasoning: why,
		DecisionID: answer.GetDecisionId(), Policies: policiesOf(answer),
	}
}

func (s *Session) stopIn(answer *v1.InterceptResponse) *SessionTerminated {
	status := statusOf(answer.GetSessionStatus())
	if !terminal(answer.GetSessionStatus()) {
		// It said terminate: that binds, whatever else it said.
		status = StatusKilled
	}
	return &SessionTerminated{
		SessionID: s.id, Status: status, StopReason: reasonOf(answer.GetStopReason()),
		Reason: answer.GetReasoning(), HaltID: answer.GetHaltId(),
	}
}

func policiesOf(answer *v1.InterceptResponse) []Policy {
	var policies []Policy
	for _, each := range answer.GetPoliciesTriggered() {
		policies = append(policies, Policy{
			ID: each.GetPolicyId(), Name: each.GetName(), Reason: each.GetReason(),
			Verdict: word(each.GetDecision(), "VERDICT_"),
		})
	}
	return policies
}
