package killcord

import (
	"context"
	"encoding/json"
	"fmt"
)

// Tool wraps a function that an agent may call: it asks before, with the arguments as JSON; runs fn
// with a context that the stop cancels; and looks at the session after, so that no result is used
// that came after the stop. While the run is stopped the error is a *SessionTerminated.
func Tool[In, Out any](session *Session, name string, fn func(ctx context.Context, in In) (Out, error)) func(context.Context, In) (Out, error) {
	return func(ctx context.Context, in In) (Out, error) {
		var none Out
		content, err := json.Marshal(in)
		if err != nil {
			return none, fmt.Errorf("killcord: arguments of %s: %w", name, err)
		}
		var out Out
		err = session.do(ctx, Action{Type: name, Content: string(content)}, func(ctx context.Context) (err error) {
			out, err = fn(ctx, in)
			return err
		})
		if err != nil && session.Err() != nil {
			return none, err
		}
		return out, err
	}
}

// do asks for an action, does it as a part of the run, and looks at the session after. An estimate
// that it has is what it costs.
func (s *Session) do(ctx context.Context, action Action, doing func(context.Context) error) error {
	return s.doing(ctx, action, func(ctx context.Context) (cost Cost, err error) {
		if err = doing(ctx); err == nil && action.Estimate != nil {
			cost = *action.Estimate
		}
		return cost, err
	})
}

// doing is do for an action that tells its cost afterwards, if it has an estimate.
func (s *Session) doing(ctx context.Context, action Action, work func(context.Context) (Cost, error)) error {
	decision, err := s.Intercept(ctx, action)
	if err != nil {
		return err
	}
	held := &Reservation{Decision: decision, session: s}
	held.said.Store(action.Estimate == nil)
	if !s.work.begin() {
		_ = held.Close()
		return s.cause()
	}
	defer s.work.done()
	bound, cancel := s.Bind(ctx)
	defer cancel()
	cost, err := work(bound)
	if action.Estimate != nil {
		err = held.pay(cost, err)
	}
	if stop := s.stopped(); stop != nil {
		return stop
	}
	if err == nil {
		err = s.permit(ctx, action.Type)
	}
	return err
}
