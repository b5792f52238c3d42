package killcord

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"time"

	v1 "killcord.example/killcord/gen/killcord/v1"
)

// LeaseLoss is what happens to a session when nothing was heard from the server for its lease.
type LeaseLoss int

const (
	// LeaseKill stops the run, the default.
	LeaseKill LeaseLoss = iota
	// LeasePause holds the run until the server is heard again, or an operator resumes it.
	LeasePause
	// LeaseContinue lets the run go on, and logs it.
	LeaseContinue
)

// WhenPaused is what Guard and Intercept do while the session is held.
type WhenPaused int

const (
	// PauseThrow returns a *SessionPaused, the default.
	PauseThrow WhenPaused = iota
	// PauseWait waits until the session is resumed or stopped.
	PauseWait
)

// NoLease asks for a session without a lease: one whose client is gone goes on until its budgets end.
const NoLease time.Duration = -1

// NoParent keeps a session from becoming a sub-session of the one in KILLCORD_SESSION_ID.
const NoParent = "-"

// OnEscalate is what Intercept does with an action that a person has to approve.
type OnEscalate int

const (
	// EscalateWait waits until it is approved, rejected or expired, the default.
	EscalateWait OnEscalate = iota
	// EscalateReturn returns an *ActionEscalated.
	EscalateReturn
)

// StartOptions describe a session.
type StartOptions struct {
	// AgentID is the agent's name. A key that is an agent's credential may leave it out.
	AgentID string
	// Label is a display string. Sealed for ever: no personal data.
	Label string
	// Budgets; none given means an idle timeout of a day.
	Budgets Budgets
	// CredentialID binds the session to a credential.
	CredentialID string
	// ParentSessionID makes a sub-session. Default: KILLCORD_SESSION_ID, which is set under
	// `killcord run`; NoParent for none.
	ParentSessionID string
	// Lease is how long the run may go on without hearing from the server: 2 s to 300 s, in whole
	// seconds. Default 30 s; NoLease for none.
	Lease time.Duration
	// OnLeaseLost says what happens then. Default LeaseKill.
	OnLeaseLost LeaseLoss
	// Grace is how long the work may take to end after a stop before that is logged, and how long
	// hanging stop callbacks are waited for. Default 5 s.
	Grace time.Duration
	// WhenPaused says what Guard and Intercept do while the session is held. Default PauseThrow.
	WhenPaused WhenPaused
	// OnEscalate says what Intercept does with an action that a person has to approve. Default
	// EscalateWait.
	OnEscalate OnEscalate
	// FailOpen allows actions while the server is unreachable, each with a warning in the log. It
	// never passes a stop that is known, and the lease still ends the run.
	FailOpen bool
	// OnStop is called once when the run is stopped, each in a goroutine of its own.
	OnStop []func(*SessionTerminated)
	// OnEvent hears of stops, pauses, resumes and warnings, in their order.
	OnEvent func(Event)
}

const (
	defaultLease = 30 * time.Second
	defaultGrace = 5 * time.Second
)

func (o StartOptions) settled() StartOptions {
	o.Lease = cmp.Or(o.Lease, defaultLease)
	o.Grace = cmp.Or(o.Grace, defaultGrace)
	o.ParentSessionID = cmp.Or(o.ParentSessionID, os.Getenv("KILLCORD_SESSION_ID"))
	if o.ParentSessionID == NoParent {
		o.ParentSessionID = ""
	}
	return o
}

// StartSession opens a session, one run of one agent. The session's context is a child of ctx: when
// ctx ends, so does the work. The session itself ends with Session.Close, which must be called.
//
// While the server is unavailable the call is repeated until the client's timeout, and never opens
// two sessions.
func (c *Client) StartSession(ctx context.Context, options StartOptions) (*Session, error) {
	options = options.settled()
	request, err := options.request()
	if err != nil {
		return nil, err
	}
	if c.isClosed() {
		return nil, ErrClientClosed
	}
	var answer *v1.StartSessionResponse
	var sent time.Duration
	err = c.repeat(ctx, c.options.Timeout, func(ctx context.Context, at time.Duration) (err error) {
		sent = at
		answer, err = c.sessions.StartSession(ctx, request)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("killcord: start session: %w", err)
	}
	if answer.GetSession().GetSessionId() == "" {
		return nil, fmt.Errorf("killcord: start session: %w", &RequestRefused{code: "internal", Message: "the answer names no session"})
	}
	session := newSession(ctx, c, options, answer.GetSession(), sent)
	if !session.begin() {
		return nil, ErrClientClosed
	}
	return session, nil
}

func (o StartOptions) request() (*v1.StartSessionRequest, error) {
	lease, err := seconds("Lease", max(o.Lease, 0))
	if err != nil {
		return nil, err
	}
	budgets, err := o.Budgets.wire()
	if err != nil {
		return nil, err
	}
	if o.Grace < 0 {
		return nil, fmt.Errorf("killcord: Grace %s is negative", o.Grace)
	}
	request := &v1.StartSessionRequest{
		AgentId:         optional(o.AgentID),
		Label:           optional(o.Label),
		CredentialId:    optional(o.CredentialID),
		ParentSessionId: optional(o.ParentSessionID),
		Budgets:         budgets,
		IdempotencyKey:  optional(rand.Text()),
	}
	if lease > 0 {
		request.LeaseSeconds = optional(int32(min(lease, 1<<30)))
		request.OnLeaseLost = map[LeaseLoss]v1.OnLeaseLost{
			LeaseKill:     v1.OnLeaseLost_ON_LEASE_LOST_KILL,
			LeasePause:    v1.OnLeaseLost_ON_LEASE_LOST_PAUSE,
			LeaseContinue: v1.OnLeaseLost_ON_LEASE_LOST_CONTINUE,
		}[o.OnLeaseLost]
	}
	return request, nil
}

// seconds refuses what the API could not say: a limit that was rounded would be another limit.
func seconds(what string, d time.Duration) (int64, error) {
	if d < 0 || d%time.Second != 0 {
		return 0, fmt.Errorf("killcord: %s %s: give whole seconds", what, d)
	}
	return int64(d / time.Second), nil
}

// optional is nil for a zero value.
func optional[T comparable](value T) *T {
	var zero T
	if value == zero {
		return nil
	}
	return &value
}
