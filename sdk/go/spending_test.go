package killcord_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"killcord.example/killcord"
	v1 "killcord.example/killcord/gen/killcord/v1"
)

func tokens(n int64) *killcord.Cost { return &killcord.Cost{Tokens: n} }

func TestARunIsLimitedByEveryBudget(t *testing.T) {
	t.Parallel()
	c, _ := client(t, common, killcord.Options{})
	session := start(t, c, killcord.StartOptions{Budgets: killcord.Budgets{
		MaxActions: killcord.Limit(9), MaxTokens: killcord.Limit(1000), MaxCostUSD: "0.30", MaxDepth: 2,
		MaxConcurrent: 3, WarnAtPercent: []int32{50, 90}, OnExceeded: killcord.ExceededPause,
	}})
	kept := common.session(t, session.ID()).GetBudgets()
	if kept.GetMaxActions() != 9 || kept.GetMaxTokens() != 1000 || kept.GetMaxCostUsd() != "0.3" || kept.GetMaxDepth() != 2 ||
		kept.GetMaxConcurrent() != 3 || !slices.Equal(kept.GetWarnAtPercent(), []int32{50, 90}) ||
		kept.GetOnExceeded() != v1.OnExceeded_ON_EXCEEDED_PAUSE {
		t.Fatal(kept)
	}
}

func TestAnAllowIsChargedAndSaysWhatIsLeft(t *testing.T) {
	t.Parallel()
	c, _ := client(t, common, killcord.Options{})
	session := start(t, c, killcord.StartOptions{Budgets: killcord.Budgets{MaxTokens: killcord.Limit(100), MaxCostUSD: "1"}})
	decision, err := session.Intercept(context.Background(), killcord.Action{
		Type: "llm_call", Cost: &killcord.Cost{Tokens: 30, CostUSD: "0.1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	left := decision.BudgetLeft
	if decision.Consumed != (killcord.Amounts{Tokens: 30, CostUSDMicros: 100_000}) || *left.Tokens != 70 ||
		*left.CostUSDMicros != 900_000 || left.Actions != nil || left.TTL != nil || decision.NextStep == "" {
		t.Fatalf("%+v", decision)
	}
	_, err = session.Intercept(context.Background(), killcord.Action{Type: "llm_call", Cost: tokens(71)})
	if stop, stopped := killcord.Stopped(err); !stopped || stop.StopReason != "budget_exceeded" {
		t.Fatal(err)
	}
}

func TestAReservationIsSettledOnce(t *testing.T) {
	t.Parallel()
	c, _ := client(t, common, killcord.Options{})
	session := start(t, c, killcord.StartOptions{Budgets: killcord.Budgets{MaxTokens: killcord.Limit(100)}})
	held := reserve(t, session, 80)
	if shown := common.session(t, session.ID()).GetReserved(); shown.GetTokens() != 80 {
		t.Fatal(shown)
	}
	for range 2 {
		settled, err := held.Settle(context.Background(), *tokens(20))
		if err != nil || settled.Outcome != "settled" || settled.Spent != (killcord.Amounts{Tokens: 20}) ||
			*settled.Reported != settled.Spent {
			t.Fatal(settled, err)
		}
	}
	var refused *killcord.RequestRefused
	if _, err := held.Settle(context.Background(), *tokens(21)); !errors.As(err, &refused) || refused.Code() != "reservation_closed" {
		t.Fatal(err)
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	if n := common.count(t, "reservation_settled", session.ID()); n != 1 {
		t.Fatalf("settled %d times", n)
	}
}

func reserve(t *testing.T, session *killcord.Session, estimate int64) *killcord.Reservation {
	t.Helper()
	held, err := session.Reserve(context.Background(), killcord.Action{Type: "llm_call", Estimate: tokens(estimate)})
	if err != nil {
		t.Fatal(err)
	}
	return held
}

func TestWhatIsHeldKeepsOthersOutUntilItIsGivenBack(t *testing.T) {
	t.Parallel()
	c, _ := client(t, common, killcord.Options{})
	session := start(t, c, killcord.StartOptions{Budgets: killcord.Budgets{MaxTokens: killcord.Limit(100)}})
	held := reserve(t, session, 80)
	_, err := session.Reserve(context.Background(), killcord.Action{Type: "llm_call", Estimate: tokens(30)})
	var blocked *killcord.ActionBlocked
	if !errors.As(err, &blocked) || blocked.Policies[0].ID != "__budget_reserved" || blocked.NextStep == "" {
		t.Fatal(err)
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	common.sealed(t, "reservation_settled", session.ID(), `"cancelled"`)
	second := reserve(t, session, 30)
	if settled, err := session.Cancel(context.Background(), second.Decision.DecisionID); err != nil || settled.Outcome != "cancelled" {
		t.Fatal(settled, err)
	}
	third := reserve(t, session, 100)
	if settled, err := session.Settle(context.Background(), third.Decision.DecisionID, *tokens(7)); err != nil || settled.Consumed.Tokens != 7 {
		t.Fatal(settled, err)
	}
}

func TestAnEstimateStandsWhereTheCostIsNoAmount(t *testing.T) {
	t.Parallel()
	c, _ := client(t, common, killcord.Options{})
	session := start(t, c, killcord.StartOptions{Budgets: killcord.Budgets{MaxTokens: killcord.Limit(100)}})
	held := reserve(t, session, 80)
	var refused *killcord.RequestRefused
	if _, err := held.Settle(context.Background(), *tokens(-1)); !errors.As(err, &refused) || refused.Code() != "invalid_argument" {
		t.Fatal(err)
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	if shown := common.session(t, session.ID()).GetReserved(); shown.GetTokens() != 80 {
		t.Fatal(shown)
	}
}

func TestSpendPaysByItsResult(t *testing.T) {
	t.Parallel()
	c, _ := client(t, common, killcord.Options{})
	session := start(t, c, killcord.StartOptions{})
	action := killcord.Action{Type: "llm_call", Estimate: tokens(500)}
	answer, err := killcord.Spend(context.Background(), session, action, func(context.Context) (string, killcord.Cost, error) {
		return "hello", killcord.Cost{Tokens: 321, CostUSD: "0.002"}, nil
	})
	if err != nil || answer != "hello" {
		t.Fatal(answer, err)
	}
	fault := errors.New("the model is away")
	for _, cost := range []killcord.Cost{{}, {Tokens: 4}} {
		if _, err := killcord.Spend(context.Background(), session, action, func(context.Context) (string, killcord.Cost, error) {
			return "", cost, fault
		}); err != fault {
			t.Fatal(err)
		}
	}
	used := common.session(t, session.ID()).GetConsumed()
	if used.GetActions() != 3 || used.GetTokens() != 325 || used.GetCostUsdMicros() != 2000 {
		t.Fatal(used)
	}
	if n := common.count(t, "reservation_settled", session.ID(), `"cancelled"`); n != 1 {
		t.Fatalf("%d given back", n)
	}
}

func TestWhatAStoppedRunHasSpentIsSettled(t *testing.T) {
	t.Parallel()
	c, _ := client(t, common, killcord.Options{})
	session := start(t, c, killcord.StartOptions{})
	_, err := killcord.Spend(context.Background(), session, killcord.Action{Type: "llm_call", Estimate: tokens(500)},
		func(ctx context.Context) (string, killcord.Cost, error) {
			common.kill(t, session.ID(), "enough")
			<-ctx.Done()
			return "half an answer", *tokens(77), nil
		})
	if stop, stopped := killcord.Stopped(err); !stopped || stop.Reason != "enough" {
		t.Fatal(err)
	}
	if used := common.session(t, session.ID()).GetConsumed().GetTokens(); used != 77 {
		t.Fatal(used, "tokens")
	}
}

func TestAPauseAtTheBudgetEndsWhenItIsRaised(t *testing.T) {
	t.Parallel()
	c, _ := client(t, common, killcord.Options{})
	events := make(chan killcord.Event, 9)
	session := start(t, c, killcord.StartOptions{
		WhenPaused: killcord.PauseWait, OnEvent: func(event killcord.Event) { events <- event },
		Budgets: killcord.Budgets{MaxTokens: killcord.Limit(100), OnExceeded: killcord.ExceededPause},
	})
	asked := make(chan error, 1)
	go func() {
		_, err := session.Intercept(context.Background(), killcord.Action{Type: "llm_call", Cost: tokens(90)})
		if err == nil {
			_, err = session.Intercept(context.Background(), killcord.Action{Type: "llm_call", Cost: tokens(20), IdempotencyKey: "step-2"})
		}
		asked <- err
	}()
	if event := receive(t, "the pause", events); event.Kind != killcord.EventPause {
		t.Fatal(event)
	}
	if _, err := common.sessions.UpdateBudgets(common.admin(), &v1.UpdateBudgetsRequest{
		SessionId: session.ID(), Budgets: &v1.Budgets{MaxTokens: killcord.Limit(200)},
	}); err != nil {
		t.Fatal(err)
	}
	if err := receive(t, "the verdict", asked); err != nil {
		t.Fatal(err)
	}
	if used := common.session(t, session.ID()).GetConsumed(); used.GetActions() != 2 || used.GetTokens() != 110 {
		t.Fatal(used)
	}
}

func TestAShareOfABudgetThatIsUsedIsToldOrElseLoggedOnce(t *testing.T) {
	t.Parallel()
	c, log := client(t, common, killcord.Options{})
	budgets := killcord.Budgets{MaxTokens: killcord.Limit(100), WarnAtPercent: []int32{50, 80}}
	events := make(chan killcord.Event, 9)
	session := start(t, c, killcord.StartOptions{Budgets: budgets, OnEvent: func(event killcord.Event) { events <- event }})
	decision, err := session.Intercept(context.Background(), killcord.Action{Type: "llm_call", Cost: tokens(60)})
	if err != nil || len(decision.Warnings) != 1 {
		t.Fatal(decision, err)
	}
	event := receive(t, "the warning", events)
	if event.Kind != killcord.EventWarning || event.PolicyID != "__soft_limit" || event.Reason != decision.Warnings[0].Message {
		t.Fatal(event)
	}
	settled, err := reserve(t, session, 30).Settle(context.Background(), *tokens(30))
	if err != nil || len(settled.Warnings) != 1 {
		t.Fatal(settled, err)
	}
	if event := receive(t, "the second warning", events); event.Reason != settled.Warnings[0].Message {
		t.Fatal(event)
	}
	if log.with("__soft_limit") != 0 {
		t.Fatal("logged too")
	}
	other := start(t, c, killcord.StartOptions{Budgets: budgets})
	if _, err := other.Intercept(context.Background(), killcord.Action{Type: "llm_call", Cost: tokens(90)}); err != nil {
		t.Fatal(err)
	}
	if log.with("__soft_limit") != 1 {
		t.Fatal("not logged once")
	}
}

func TestAQuestionWhoseAnswerWasLostIsChargedOnce(t *testing.T) {
	t.Parallel()
	var lost atomic.Bool
	losing := altered("Intercept", func(_ context.Context, _ any, invoke func() error) error {
		if err := invoke(); err != nil || lost.Swap(true) {
			return err
		}
		return status.Error(codes.Unavailable, "the answer was lost")
	})
	c, _ := client(t, common, killcord.Options{DialOptions: []grpc.DialOption{losing}})
	session := start(t, c, killcord.StartOptions{})
	if _, err := session.Intercept(context.Background(), killcord.Action{Type: "llm_call", Cost: tokens(10)}); err != nil {
		t.Fatal(err)
	}
	if used := common.session(t, session.ID()).GetConsumed().GetTokens(); used != 10 || !lost.Load() {
		t.Fatal(used, "tokens")
	}
}
