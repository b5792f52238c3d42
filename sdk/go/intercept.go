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
	// Content is its text, at most 256 KiB of UTF-8. Only a salted digest is sealed; the text is stored while it waits for a person, encrypted.
	Content string
	// Metadata are facts about it, as JSON values, at most 64 KiB.
	Metadata map[string]any
	// ChainID and ChainStep place it in a chain of actions of the caller's.
	ChainID   string
	ChainStep *int32
	// ParentDecisionID is the decision that led to it.
	ParentDecisionID string
	// Cost is what it costs: charged by an allow, to the session and to those above it. Not beside
	// Estimate.
	Cost *Cost
	// Estimate is what it may cost: held by an allow, until it is settled or cancelled. Reserve and
	// Spend see to that.
	Estimate *Cost
	// EscalationID is an approval that was given for this same action.
	EscalationID string
	// IdempotencyKey makes a repeat the same action: same verdict, counted once. Default: one of its
	// own for each call, under which the client's repeats are made.
	IdempotencyKey string
}

// Intercept asks for one action. Only a nil error allows it. Else the error is, or wraps, an
// *ActionBlocked, *ActionEscalated, *SessionPaused, *SessionTerminated, *ServerUnreachable,
// *AccessDenied, *RequestRefused, or the end of ctx.
//
// An action that a person has to approve is waited for, unless OnEscalate says otherwise: until it is
// approved, or, with an *ActionBlocked, rejected or expired.
//
// While the server is unavailable the call is repeated, as the same action, until the client's timeout.
func (s *Session) Intercept(ctx context.Context, action Action) (*Decision, error) {
	request, err := s.request(action)
	if err != nil {
		return nil, err
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
		var escalated *ActionEscalated
		switch {
		case errors.As(err, &paused) && s.options.WhenPaused == PauseWait:
			if !s.awaitChange(ctx, attempt) {
				return nil, context.Cause(ctx)
			}
		// An older server names no escalation: there is nothing to wait for.
		case errors.As(err, &escalated) && s.options.OnEscalate == EscalateWait && escalated.EscalationID != "":
			if err := s.awaitApproval(ctx, escalated); err != nil {
				return nil, err
			}
			request.EscalationId = &escalated.EscalationID
			request.IdempotencyKey = optional(approvedKey(action.IdempotencyKey, escalated.EscalationID))
		default:
			return decision, err
		}
	}
}

func (s *Session) request(action Action) (*v1.InterceptRequest, error) {
	facts, err := structpb.NewStruct(action.Metadata)
	if err != nil {
		return nil, fmt.Errorf("killcord: metadata of action %s: %w", action.Type, err)
	}
	cost, err := action.Cost.wire("Cost")
	if err != nil {
		return nil, fmt.Errorf("killcord: action %s: %w", action.Type, err)
	}
	estimate, err := action.Estimate.wire("Estimate")
	if err != nil {
		return nil, fmt.Errorf("killcord: action %s: %w", action.Type, err)
	}
	return &v1.InterceptRequest{
		SessionId: &s.id, ActionType: action.Type, ActionContent: optional(action.Content), Metadata: facts,
		ChainId: optional(action.ChainID), ChainStep: action.ChainStep, Cost: cost, Estimate: estimate,
		ParentDecisionId: optional(action.ParentDecisionID), EscalationId: optional(action.EscalationID),
		IdempotencyKey: optional(action.IdempotencyKey),
	}, nil
}

// maxKey is what the server takes of an idempotency key.
const maxKey = 255

// approvedKey is the key of the same action with its approval. The caller's has the escalation's
// verdict: this is another, to which a repeat of the whole leads as well, so that it is still counted
// once. None stays none.
func approvedKey(key, escalationID string) string {
	if key == "" {
		return key
	}
	return key[:min(len(key), maxKey-len(escalationID)-1)] + "." + escalationID
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
		for _, warning := range warningsOf(answer.GetWarnings()) {
			s.events.warn(s.id, warning)
		}
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
