package killcord

import (
	"context"
	"fmt"
	"time"

	v1 "killcord.example/killcord/gen/killcord/v1"
)

// statusEvery is how often the state of an escalation is asked for where no watch tells it.
const statusEvery = time.Second

// verdictOfAPerson is what came of an escalation.
type verdictOfAPerson struct {
	status v1.EscalationStatus
	reason string
}

// awaitApproval waits until an escalated action may be asked for again. A watch tells it the moment
// that it is sealed; where none comes through, it is asked for every second. Without a server the
// lease bounds the wait.
func (s *Session) awaitApproval(ctx context.Context, escalated *ActionEscalated) error {
	bound, cancel := s.Bind(ctx)
	defer cancel()
	said, err := s.client.answerTo(bound, escalated.EscalationID)
	if stop := s.stopped(); stop != nil {
		return stop
	}
	if bound.Err() != nil {
		return context.Cause(bound)
	}
	if err != nil {
		if denied(err) {
			// If it is the key and not this escalation, no stop can arrive any more: find out at once.
			s.beatNow()
		}
		return fmt.Errorf("killcord: approval of %s: %w", escalated.ActionType, err)
	}
	if said.status == v1.EscalationStatus_ESCALATION_STATUS_APPROVED {
		return nil
	}
	return escalated.refused(said)
}

func (e *ActionEscalated) refused(said verdictOfAPerson) *ActionBlocked {
	why := ""
	if said.reason != "" {
		why = ": " + said.reason
	}
	blocked := &ActionBlocked{
		SessionID: e.SessionID, ActionType: e.ActionType, DecisionID: e.DecisionID, Policies: e.Policies,
	}
	switch said.status {
	case v1.EscalationStatus_ESCALATION_STATUS_REJECTED:
		blocked.Reasoning = "a person has rejected it" + why
		blocked.NextStep = "leave this action out, or ask the person who rejected it"
	case v1.EscalationStatus_ESCALATION_STATUS_EXPIRED:
		blocked.Reasoning = "nobody approved it in time" + why
		blocked.NextStep = "ask for it again if it is still wanted"
	default:
		blocked.Reasoning = fmt.Sprintf("its approval came to %q, which this client does not know", word(said.status, "ESCALATION_STATUS_"))
		blocked.NextStep = "bring the client up to date"
	}
	return blocked
}

// answerTo waits for a person's answer, over whatever happens to the connection, until ctx ends.
func (c *Client) answerTo(ctx context.Context, id string) (said verdictOfAPerson, err error) {
	streams := true
	for attempt := 0; ; attempt++ {
		if streams {
			said, streams = c.watchEscalation(ctx, id)
		}
		if said.status != v1.EscalationStatus_ESCALATION_STATUS_UNSPECIFIED {
			return said, nil
		}
		if said, err = c.askEscalation(ctx, id); err != nil || said.status != v1.EscalationStatus_ESCALATION_STATUS_UNSPECIFIED {
			return said, err
		}
		wait := statusEvery
		if streams {
			wait = min(wait, pause(attempt))
		}
		if !sleep(ctx, wait) {
			return said, context.Cause(ctx)
		}
	}
}

// watchEscalation follows it until it is answered or the watch ends. streams: whether another may do
// better.
func (c *Client) watchEscalation(ctx context.Context, id string) (said verdictOfAPerson, streams bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	heard := false
	silence := time.AfterFunc(firstWithin, cancel)
	defer silence.Stop()
	call, err := c.escalations.WatchEscalations(ctx, &v1.WatchEscalationsRequest{EscalationIds: []string{id}})
	for err == nil {
		var message *v1.WatchEscalationsResponse
		if message, err = call.Recv(); err != nil {
			break
		}
		heard = true
		silence.Reset(silentAfter)
		if escalation := message.GetEscalation(); escalation != nil && answered(escalation.GetStatus()) {
			return verdictOfAPerson{escalation.GetStatus(), escalation.GetResolutionReason()}, true
		}
	}
	// Whoever does not let it through may let a question through; and that says what is refused.
	return said, heard || passing(err)
}

// askEscalation asks for its state; none while it is pending, or nobody answers.
func (c *Client) askEscalation(ctx context.Context, id string) (said verdictOfAPerson, err error) {
	err = c.attempt(ctx, attemptTimeout, func(ctx context.Context, _ time.Duration) error {
		answer, err := c.escalations.GetEscalationStatus(ctx, &v1.GetEscalationStatusRequest{EscalationId: id})
		if state := answer.GetEscalation(); err == nil && answered(state.GetStatus()) {
			said = verdictOfAPerson{state.GetStatus(), state.GetResolutionReason()}
		}
		return err
	})
	if err == nil || passing(err) || ctx.Err() != nil {
		return said, nil
	}
	return said, c.translate(err)
}

func answered(status v1.EscalationStatus) bool {
	return status != v1.EscalationStatus_ESCALATION_STATUS_UNSPECIFIED && status != v1.EscalationStatus_ESCALATION_STATUS_PENDING
}
