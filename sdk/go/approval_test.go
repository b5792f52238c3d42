package killcord_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"killcord.example/killcord"
	v1 "killcord.example/killcord/gen/killcord/v1"
)

// escalating is an action type that the policy of the common server has a person look at.
const escalating = "transfer_abroad"

func (s *server) escalates(t *testing.T) {
	t.Helper()
	_, err := v1.NewPolicyServiceClient(s.conn).CreatePolicy(s.admin(), &v1.CreatePolicyRequest{
		Name: unique(t), PolicyType: v1.PolicyType_POLICY_TYPE_ACTION_TYPE, Decision: v1.Verdict_VERDICT_ESCALATE,
		ActionTypes: []string{escalating},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// pending is the escalation that a session waits for.
func (s *server) pending(t *testing.T, session *killcord.Session) (id string) {
	t.Helper()
	of := session.ID()
	eventually(t, "the escalation", func() bool {
		answer, err := v1.NewEscalationServiceClient(s.conn).ListEscalations(s.admin(), &v1.ListEscalationsRequest{SessionId: &of})
		if err != nil {
			t.Fatal(err)
		}
		for _, each := range answer.GetEscalations() {
			id = each.GetEscalationId()
		}
		return id != ""
	})
	return id
}

func (s *server) resolve(t *testing.T, id string, resolution v1.EscalationResolution, reason string) {
	t.Helper()
	if _, err := v1.NewEscalationServiceClient(s.conn).ResolveEscalation(s.admin(), &v1.ResolveEscalationRequest{
		EscalationId: id, Resolution: resolution, Reason: &reason,
	}); err != nil {
		t.Fatal(err)
	}
}

const (
	approved = v1.EscalationResolution_ESCALATION_RESOLUTION_APPROVED
	rejected = v1.EscalationResolution_ESCALATION_RESOLUTION_REJECTED
)

type verdict struct {
	decision *killcord.Decision
	err      error
}

func asking(ctx context.Context, session *killcord.Session, action killcord.Action) <-chan verdict {
	came := make(chan verdict, 1)
	go func() {
		decision, err := session.Intercept(ctx, action)
		came <- verdict{decision, err}
	}()
	return came
}

func TestAnActionThatAPersonApprovesIsAllowedAndCountedOnce(t *testing.T) {
	t.Parallel()
	common.escalates(t)
	c, _ := client(t, common, killcord.Options{})
	// The second is as long as a key may be.
	for _, key := range []string{"step-1", strings.Repeat("k", 255)} {
		approvedOnce(t, c, key)
	}
}

func approvedOnce(t *testing.T, c *killcord.Client, key string) {
	t.Helper()
	session := start(t, c, killcord.StartOptions{Budgets: killcord.Budgets{MaxActions: killcord.Limit(1)}})
	action := killcord.Action{Type: escalating, Content: "pay 5", Cost: tokens(7), IdempotencyKey: key}
	came := asking(context.Background(), session, action)
	id := common.pending(t, session)
	common.resolve(t, id, approved, "checked by phone")
	said := receive(t, "the verdict", came)
	if said.err != nil || said.decision.EscalationID != id {
		t.Fatal(said)
	}
	// A program that is started again asks for the whole once more.
	again, err := session.Intercept(context.Background(), action)
	if err != nil || again.DecisionID != said.decision.DecisionID {
		t.Fatal(again, err)
	}
	if used := common.session(t, session.ID()).GetConsumed(); used.GetActions() != 1 || used.GetTokens() != 7 {
		t.Fatal(used)
	}
}

func TestAnActionThatAPersonRejectsIsBlocked(t *testing.T) {
	t.Parallel()
	common.escalates(t)
	c, _ := client(t, common, killcord.Options{})
	session := start(t, c, killcord.StartOptions{})
	came := asking(context.Background(), session, killcord.Action{Type: escalating})
	common.resolve(t, common.pending(t, session), rejected, "not this account")
	var blocked *killcord.ActionBlocked
	if err := receive(t, "the verdict", came).err; !errors.As(err, &blocked) ||
		blocked.Reasoning != "a person has rejected it: not this account" || blocked.NextStep == "" || len(blocked.Policies) == 0 {
		t.Fatal(err)
	}
}

func TestAStopOrTheEndOfItsContextEndsTheWaitForAnApproval(t *testing.T) {
	t.Parallel()
	common.escalates(t)
	c, _ := client(t, common, killcord.Options{})
	session := start(t, c, killcord.StartOptions{})
	ctx, cancel := context.WithCancelCause(context.Background())
	impatient := asking(ctx, session, killcord.Action{Type: escalating})
	common.pending(t, session)
	why := errors.New("the user went away")
	cancel(why)
	if err := receive(t, "the end of the wait", impatient).err; err != why {
		t.Fatal(err)
	}
	came := asking(context.Background(), session, killcord.Action{Type: escalating, Content: "again"})
	common.kill(t, session.ID(), "never mind")
	if stop, stopped := killcord.Stopped(receive(t, "the verdict", came).err); !stopped || stop.Reason != "never mind" {
		t.Fatal(stop)
	}
}

func TestAnEscalationIsReturnedWhereThatWasAskedFor(t *testing.T) {
	t.Parallel()
	common.escalates(t)
	c, _ := client(t, common, killcord.Options{})
	session := start(t, c, killcord.StartOptions{OnEscalate: killcord.EscalateReturn})
	action := killcord.Action{Type: escalating, Content: "pay 5"}
	_, err := session.Intercept(context.Background(), action)
	var escalated *killcord.ActionEscalated
	if !errors.As(err, &escalated) || escalated.EscalationID == "" {
		t.Fatal(err)
	}
	common.resolve(t, escalated.EscalationID, approved, "yes")
	other := killcord.Action{Type: escalating, Content: "pay 500", EscalationID: escalated.EscalationID}
	var blocked *killcord.ActionBlocked
	if _, err := session.Intercept(context.Background(), other); !errors.As(err, &blocked) {
		t.Fatal(err)
	}
	action.EscalationID = escalated.EscalationID
	if _, err := session.Intercept(context.Background(), action); err != nil {
		t.Fatal(err)
	}
}

func TestAnApprovalIsAskedAboutWhereNoWatchComesThrough(t *testing.T) {
	t.Parallel()
	common.escalates(t)
	streamless := opened("WatchEscalations", func(context.Context, func(context.Context) (grpc.ClientStream, error)) (grpc.ClientStream, error) {
		return nil, status.Error(codes.Unimplemented, "no streams here")
	})
	c, _ := client(t, common, killcord.Options{DialOptions: []grpc.DialOption{streamless}})
	session := start(t, c, killcord.StartOptions{})
	came := asking(context.Background(), session, killcord.Action{Type: escalating})
	common.resolve(t, common.pending(t, session), approved, "yes")
	if said := receive(t, "the verdict", came); said.err != nil {
		t.Fatal(said.err)
	}
}
