package killcord

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	v1 "killcord.example/killcord/gen/killcord/v1"
)

// Reservation is the permission for one action, which holds its estimate until it is settled or
// cancelled.
type Reservation struct {
	// Decision is the allow.
	Decision *Decision
	session  *Session
	said     atomic.Bool
}

// Settlement is how a reservation was closed.
type Settlement struct {
	DecisionID string
	// Outcome is "settled", "cancelled", or "lapsed": nothing was said in time, and the estimate is
	// spent.
	Outcome string
	// Spent is what is spent for the action: what was reported, as far as it fits into the budgets.
	Spent Amounts
	// Reported is what it did cost; nil when nobody said.
	Reported *Amounts
	// Actions and Consumed are what the session has used now.
	Actions  int64
	Consumed Amounts
	// Warnings are what the run should know beside it. Listeners are told as well.
	Warnings []Warning
}

// Reserve asks for an action that holds its Estimate, so that no limit is passed while several are
// under way. Its errors are those of Intercept.
//
//	held, err := sess.Reserve(ctx, killcord.Action{Type: "llm_call", Estimate: &killcord.Cost{Tokens: 4000}})
//	...
//	defer held.Close()
//	answer, err := model.Ask(ctx, prompt)
//	...
//	held.Settle(ctx, killcord.Cost{Tokens: answer.Tokens})
func (s *Session) Reserve(ctx context.Context, action Action) (*Reservation, error) {
	if action.Estimate == nil {
		return nil, fmt.Errorf("killcord: action %s: %w", action.Type,
			&RequestRefused{code: "invalid_argument", Message: "Reserve needs an Estimate"})
	}
	decision, err := s.Intercept(ctx, action)
	if err != nil {
		return nil, err
	}
	return &Reservation{Decision: decision, session: s}, nil
}

// Settle says what the action did cost, also more than its estimate, also when the run is stopped. It
// may be repeated. Where it is no amount, and nothing else is said, the estimate counts. nil and no error: the action was allowed Offline, and nothing is held.
//
// A *RequestRefused with the code reservation_closed says that it was settled otherwise, cancelled, or
// has lapsed. With a *ServerUnreachable the estimate counts, unless it is repeated.
func (r *Reservation) Settle(ctx context.Context, cost Cost) (*Settlement, error) {
	// The action was done: where its cost is no amount, the estimate stands until it is said again.
	r.said.Store(true)
	if _, err := cost.wire("Cost"); err != nil {
		return nil, fmt.Errorf("killcord: settle: %w", err)
	}
	if r.Decision.Offline {
		return nil, nil
	}
	return r.session.Settle(ctx, r.Decision.DecisionID, cost)
}

// Cancel says that the action was not done, and cost nothing. It may be repeated; else as Settle.
func (r *Reservation) Cancel(ctx context.Context) (*Settlement, error) {
	r.said.Store(true)
	if r.Decision.Offline {
		return nil, nil
	}
	return r.session.Cancel(ctx, r.Decision.DecisionID)
}

// Close cancels what was neither settled nor cancelled: for defer. Where money was spent before
// something failed, settle first. It takes no longer than the client's timeout; what could not be
// said is logged too.
func (r *Reservation) Close() error {
	if r.said.Load() {
		return nil
	}
	_, err := r.Cancel(context.WithoutCancel(r.session.ctx))
	if err != nil {
		r.lost(err)
	}
	return err
}

func (r *Reservation) lost(err error) {
	r.session.client.log.Warn("killcord: an action counts at its estimate, since its reservation could not be closed",
		"session", r.session.id, "decision", r.Decision.DecisionID, "error", err)
}

// Settle closes a reservation by its decision, as Reservation.Settle does.
func (s *Session) Settle(ctx context.Context, decisionID string, cost Cost) (*Settlement, error) {
	wired, err := cost.wire("Cost")
	if err != nil {
		return nil, fmt.Errorf("killcord: settle %s: %w", decisionID, err)
	}
	var answer *v1.SettleResponse
	err = s.client.repeat(ctx, s.client.options.Timeout, func(ctx context.Context, _ time.Duration) (err error) {
		answer, err = s.client.enforcement.Settle(ctx, &v1.SettleRequest{DecisionId: decisionID, Cost: wired})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("killcord: settle %s: %w", decisionID, err)
	}
	settlement := settlementOf(answer)
	settlement.Warnings = warningsOf(answer.GetWarnings())
	for _, warning := range settlement.Warnings {
		s.events.warn(s.id, warning)
	}
	return settlement, nil
}

// Cancel closes a reservation by its decision, as Reservation.Cancel does.
func (s *Session) Cancel(ctx context.Context, decisionID string) (*Settlement, error) {
	var answer *v1.CancelReservationResponse
	err := s.client.repeat(ctx, s.client.options.Timeout, func(ctx context.Context, _ time.Duration) (err error) {
		answer, err = s.client.enforcement.CancelReservation(ctx, &v1.CancelReservationRequest{DecisionId: decisionID})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("killcord: cancel %s: %w", decisionID, err)
	}
	return settlementOf(answer), nil
}

// closed is what the two answers have in common.
type closed interface {
	GetDecisionId() string
	GetOutcome() v1.ReservationOutcome
	GetSpent() *v1.Reserved
	GetReported() *v1.Reserved
	GetConsumed() *v1.Consumed
}

func settlementOf(answer closed) *Settlement {
	consumed := answer.GetConsumed()
	settlement := &Settlement{
		DecisionID: answer.GetDecisionId(),
		Outcome:    word(answer.GetOutcome(), "RESERVATION_OUTCOME_"),
		Spent:      amountsOf(answer.GetSpent()),
		Actions:    consumed.GetActions(),
		Consumed:   Amounts{Tokens: consumed.GetTokens(), CostUSDMicros: consumed.GetCostUsdMicros()},
	}
	if reported := answer.GetReported(); reported != nil {
		amounts := amountsOf(reported)
		settlement.Reported = &amounts
	}
	return settlement
}

// Spend reserves, does it, and settles it with the cost that fn returns, also beside an error; with an
// error and no cost the estimate is given back. fn gets a context that the stop cancels. While the run is stopped the error is a
// *SessionTerminated, and what fn has spent is settled all the same.
func Spend[Out any](ctx context.Context, session *Session, action Action, fn func(ctx context.Context) (Out, Cost, error)) (Out, error) {
	var out, none Out
	if action.Estimate == nil {
		return none, fmt.Errorf("killcord: action %s: %w", action.Type,
			&RequestRefused{code: "invalid_argument", Message: "Spend needs an Estimate"})
	}
	err := session.doing(ctx, action, func(ctx context.Context) (cost Cost, err error) {
		out, cost, err = fn(ctx)
		return cost, err
	})
	if err != nil && session.Err() != nil {
		return none, err
	}
	return out, err
}

// pay closes a reservation after its action has returned. The action is done: that its cost could not
// be said takes its result from nobody.
func (r *Reservation) pay(cost Cost, failed error) error {
	if failed != nil && cost == (Cost{}) {
		_ = r.Close()
		return failed
	}
	_, err := r.Settle(context.WithoutCancel(r.session.ctx), cost)
	var refused *RequestRefused
	if errors.As(err, &refused) && refused.code == "invalid_argument" {
		return errors.Join(failed, err)
	}
	if err != nil {
		r.lost(err)
	}
	return failed
}
