package killcord

import (
	"fmt"
	"time"

	v1 "killcord.example/killcord/gen/killcord/v1"
)

// OnExceeded is what an action does that does not fit into a budget.
type OnExceeded int

const (
	// ExceededTerminate stops the session, the default.
	ExceededTerminate OnExceeded = iota
	// ExceededPause holds the session until an operator raises the budget.
	ExceededPause
)

// Budgets are the limits of a session.
type Budgets struct {
	// MaxActions is the number of actions: action MaxActions+1 does not fit. nil: no limit; new(n) or
	// Limit(n) sets one.
	MaxActions *int64
	// MaxTokens is the number of tokens of all actions together. nil: no limit.
	MaxTokens *int64
	// MaxCostUSD is money in all actions together, as a decimal of USD such as "12.50", exact to a
	// millionth. Empty: no limit.
	MaxCostUSD string
	// TTL from the start until the session expires, in whole seconds. 0: no limit.
	TTL time.Duration
	// IdleTimeout without an intercept until it expires, in whole seconds. 0: no limit.
	IdleTimeout time.Duration
	// MaxDepth is the number of levels of sub-sessions below this one, 1 to 8. 0: no limit of its own.
	MaxDepth int32
	// MaxConcurrent are the actions under way at once, here and in sub-sessions, 1 to 1000: those that
	// hold an estimate. 0: no limit.
	MaxConcurrent int32
	// WarnAtPercent warns when so much of a budget is used: percentages, 1 to 99, at most 8.
	WarnAtPercent []int32
	// OnExceeded is what an action does that does not fit. Default ExceededTerminate.
	OnExceeded OnExceeded
}

// Limit is a value for MaxActions and MaxTokens. A limit of 0 allows nothing at all.
func Limit(n int64) *int64 { return &n }

func (b Budgets) wire() (*v1.Budgets, error) {
	ttl, err := seconds("Budgets.TTL", b.TTL)
	if err != nil {
		return nil, err
	}
	idle, err := seconds("Budgets.IdleTimeout", b.IdleTimeout)
	if err != nil {
		return nil, err
	}
	money, err := wireUSD("Budgets.MaxCostUSD", b.MaxCostUSD)
	if err != nil {
		return nil, fmt.Errorf("killcord: %w", err)
	}
	wired := &v1.Budgets{
		MaxActions: b.MaxActions, MaxTokens: b.MaxTokens, MaxCostUsd: money,
		TtlSeconds: optional(ttl), IdleTimeoutSeconds: optional(idle),
		MaxDepth: optional(b.MaxDepth), MaxConcurrent: optional(b.MaxConcurrent),
		WarnAtPercent: b.WarnAtPercent,
	}
	if b.OnExceeded == ExceededPause {
		wired.OnExceeded = v1.OnExceeded_ON_EXCEEDED_PAUSE
	}
	return wired, nil
}
