package killcord_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"

	"killcord.example/killcord"
	v1 "killcord.example/killcord/gen/killcord/v1"
)

func TestAClientWithoutAKeySaysWhichVariableToSet(t *testing.T) {
	t.Setenv("KILLCORD_API_KEY", "")
	_, err := killcord.NewClient(killcord.Options{})
	if err == nil || !strings.Contains(err.Error(), "KILLCORD_API_KEY") {
		t.Fatal(err)
	}
}

func TestAnAddressThatIsNoServerIsRefused(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"ftp://x", "http://", "http://x/path", "://", "http://user@x"} {
		if _, err := killcord.NewClient(killcord.Options{APIKey: "k", URL: url}); err == nil {
			t.Errorf("%q was taken", url)
		}
	}
}

func TestAKillCancelsTheContextInTheMiddleOfACall(t *testing.T) {
	t.Parallel()
	var made calls
	c, _ := client(t, common, killcord.Options{DialOptions: made.options()})
	session := start(t, c, killcord.StartOptions{})
	working := make(chan struct{})
	minute := killcord.Tool(session, "sleep", func(ctx context.Context, d time.Duration) (string, error) {
		close(working)
		select {
		case <-time.After(d):
			return "woke up", nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	})
	failed := make(chan error)
	go func() {
		_, err := minute(context.Background(), time.Minute)
		failed <- err
	}()
	receive(t, "the tool at work", working)
	common.kill(t, session.ID(), "manual stop")
	err := receive(t, "the tool's end", failed)
	var stop *killcord.SessionTerminated
	if !errors.As(err, &stop) || context.Cause(session.Context()) != error(stop) {
		t.Fatal(err)
	}
	want := killcord.SessionTerminated{
		SessionID: session.ID(), Status: killcord.StatusKilled, StopReason: "manual", Reason: "manual stop", HaltID: stop.HaltID,
	}
	if *stop != want || !strings.HasPrefix(stop.HaltID, "halt_") {
		t.Fatalf("%+v", stop)
	}
	if text := "session " + session.ID() + " killed (manual): manual stop"; stop.Error() != text {
		t.Fatal(stop.Error())
	}
	_, intercept := session.Intercept(context.Background(), killcord.Action{Type: "x"})
	for _, err := range []error{session.Err(), session.Guard(), intercept, session.Go(func(context.Context) {})} {
		if found, stopped := killcord.Stopped(err); err != nil && (!stopped || found.HaltID != stop.HaltID) {
			t.Error(err)
		}
	}
	session.Close()
	common.sealed(t, "halt_acknowledged", session.ID())
	common.sealed(t, "halt_confirmed", session.ID(), "tasks_cancelled")
	if made.of("EndSession") != 0 {
		t.Fatal("a stopped session was ended")
	}
}

func TestAStopIsConfirmedOnlyWhenTheWorkHasEnded(t *testing.T) {
	t.Parallel()
	c, log := client(t, common, killcord.Options{})
	session := start(t, c, killcord.StartOptions{Grace: time.Millisecond})
	release := make(chan struct{})
	other := start(t, c, killcord.StartOptions{})
	session.Go(func(context.Context) { <-release })
	common.kill(t, session.ID(), "stop")
	stopOf(t, session)
	common.sealed(t, "halt_acknowledged", session.ID())
	eventually(t, "the grace in the log", func() bool { return log.with("has not ended within its grace") == 1 })
	closed := make(chan struct{})
	go func() {
		session.Close()
		close(closed)
	}()
	if err := ask(other); err != nil {
		t.Fatal(err)
	}
	common.sealed(t, "enforcement_decision", other.ID())
	if common.count(t, "halt_confirmed", session.ID()) != 0 {
		t.Fatal("confirmed while it worked")
	}
	close(release)
	receive(t, "Close", closed)
	if common.count(t, "halt_confirmed", session.ID()) != 1 {
		t.Fatal("Close did not wait for the confirmation")
	}
	if common.sealed(t, "halt_confirmed", session.ID()) < common.sealed(t, "enforcement_decision", other.ID()) {
		t.Fatal("confirmed while it worked")
	}
}

func TestABudgetStopsTheRunAtItsVerdict(t *testing.T) {
	t.Parallel()
	c, _ := client(t, common, killcord.Options{})
	session := start(t, c, killcord.StartOptions{Budgets: killcord.Budgets{MaxActions: killcord.Limit(2)}})
	for used := range int64(2) {
		decision, err := session.Intercept(context.Background(), killcord.Action{Type: "transfer_funds", Metadata: map[string]any{"amount": 5}})
		if err != nil || decision.Actions != used+1 || !strings.HasPrefix(decision.DecisionID, "enf_") || decision.Offline {
			t.Fatal(decision, err)
		}
	}
	_, err := session.Intercept(context.Background(), killcord.Action{Type: "transfer_funds"})
	stop, stopped := killcord.Stopped(err)
	if !stopped || stop.StopReason != "budget_exceeded" || session.Context().Err() == nil {
		t.Fatal(err)
	}
	session.Close()
	common.sealed(t, "halt_confirmed", session.ID())
}

func TestCloseEndsTheSessionAndItsWork(t *testing.T) {
	t.Parallel()
	c, _ := client(t, common, killcord.Options{})
	session := start(t, c, killcord.StartOptions{Label: "tidy"})
	ended := make(chan error, 1)
	session.Go(func(ctx context.Context) {
		<-ctx.Done()
		ended <- context.Cause(ctx)
	})
	if err := session.Close(); err != nil {
		t.Fatal(err)
	}
	if stop, stopped := killcord.Stopped(receive(t, "the goroutine's end", ended)); !stopped || stop.Status != killcord.StatusEnded {
		t.Fatal(stop)
	}
	common.sealed(t, "session_ended", session.ID())
	if err := session.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAStopThatCameBeforeTheEndIsAcknowledgedByClose(t *testing.T) {
	t.Parallel()
	// The watch hears nothing, so that the end is the first to know.
	mute := opened("WatchSessions", func(ctx context.Context, open func(context.Context) (grpc.ClientStream, error)) (grpc.ClientStream, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	c, _ := client(t, common, killcord.Options{DialOptions: []grpc.DialOption{mute}})
	c.SetClock(func() time.Duration { return time.Hour })
	session := start(t, c, killcord.StartOptions{})
	common.kill(t, session.ID(), "too late to end")
	session.Close()
	if stop, stopped := killcord.Stopped(session.Err()); !stopped || stop.Reason != "too late to end" {
		t.Fatal(session.Err())
	}
	common.sealed(t, "halt_confirmed", session.ID())
}

func TestAStopBetweenTheStartAndTheWatchIsSeen(t *testing.T) {
	t.Parallel()
	proceed := make(chan struct{})
	late := opened("WatchSessions", func(ctx context.Context, open func(context.Context) (grpc.ClientStream, error)) (grpc.ClientStream, error) {
		select {
		case <-proceed:
		case <-ctx.Done():
		}
		return open(ctx)
	})
	c, _ := client(t, common, killcord.Options{DialOptions: []grpc.DialOption{late}})
	c.SetClock(func() time.Duration { return time.Hour })
	session := start(t, c, killcord.StartOptions{})
	common.kill(t, session.ID(), "at once")
	if session.Err() != nil {
		t.Fatal("known before the watch was up")
	}
	close(proceed)
	if stop := stopOf(t, session); stop.Reason != "at once" {
		t.Fatal(stop)
	}
}

func TestTwoSessionsShareAWatchAndStopApart(t *testing.T) {
	t.Parallel()
	var made calls
	c, _ := client(t, common, killcord.Options{DialOptions: made.options()})
	var sessions []*killcord.Session
	for range 20 {
		sessions = append(sessions, start(t, c, killcord.StartOptions{}))
	}
	for _, each := range sessions {
		eventually(t, "the watch of each", each.Watched)
	}
	if streams := made.of("WatchSessions"); streams >= len(sessions) {
		t.Fatalf("%d streams", streams)
	}
	common.kill(t, sessions[1].ID(), "this one")
	if stop := stopOf(t, sessions[1]); stop.SessionID != sessions[1].ID() {
		t.Fatal(stop)
	}
	if err := sessions[0].Guard(); err != nil {
		t.Fatal(err)
	}
	if _, err := sessions[0].Intercept(context.Background(), killcord.Action{Type: "x"}); err != nil {
		t.Fatal(err)
	}
}

func TestASessionThatStartsWhileTheWatchOpensIsWatched(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	slow := opened("WatchSessions", func(ctx context.Context, open func(context.Context) (grpc.ClientStream, error)) (grpc.ClientStream, error) {
		select {
		case <-release:
		case <-ctx.Done():
		}
		return open(ctx)
	})
	c, _ := client(t, common, killcord.Options{DialOptions: []grpc.DialOption{slow}})
	first := start(t, c, killcord.StartOptions{})
	second := start(t, c, killcord.StartOptions{})
	c.Settled()
	close(release)
	for _, each := range []*killcord.Session{first, second} {
		eventually(t, "the watch of both", each.Watched)
	}
}

func TestCallbacksThatPanicOrHangKeepNothingFromHappening(t *testing.T) {
	t.Parallel()
	c, log := client(t, common, killcord.Options{})
	release, called := make(chan struct{}), make(chan *killcord.SessionTerminated, 2)
	defer close(release)
	session := start(t, c, killcord.StartOptions{Grace: time.Millisecond, OnStop: []func(*killcord.SessionTerminated){
		func(*killcord.SessionTerminated) { panic("in a callback") },
		func(*killcord.SessionTerminated) { <-release },
		func(stop *killcord.SessionTerminated) { called <- stop },
	}})
	events := make(chan killcord.Event, 9)
	session.OnEvent(func(killcord.Event) { panic("in a listener") })
	session.OnEvent(func(event killcord.Event) { events <- event })
	common.kill(t, session.ID(), "stop")
	receive(t, "the callback beside", called)
	if event := receive(t, "the event", events); event.Kind != killcord.EventStop || event.Stop.Reason != "stop" {
		t.Fatal(event)
	}
	session.Close()
	common.sealed(t, "halt_confirmed", session.ID())
	eventually(t, "three words in the log", func() bool {
		return log.with("a callback panicked") == 2 && log.with("it is left behind") == 1
	})
	session.OnStop(func(stop *killcord.SessionTerminated) { called <- stop })
	if stop := receive(t, "a callback that came late", called); stop.Reason != "stop" {
		t.Fatal(stop)
	}
}

func TestASessionIsASubSessionUnderASupervisor(t *testing.T) {
	c, _ := client(t, common, killcord.Options{})
	parent := start(t, c, killcord.StartOptions{})
	t.Setenv("KILLCORD_SESSION_ID", parent.ID())
	child := start(t, c, killcord.StartOptions{})
	apart := start(t, c, killcord.StartOptions{ParentSessionID: killcord.NoParent})
	if child.State().GetParentSessionId() != parent.ID() || apart.State().GetParentSessionId() != "" {
		t.Fatal(child.State(), apart.State())
	}
	common.kill(t, parent.ID(), "the whole tree")
	if stop := stopOf(t, child); stop.Status != killcord.StatusKilled {
		t.Fatal(stop)
	}
	if err := apart.Err(); err != nil {
		t.Fatal(err)
	}
}

func TestTheEndOfTheCallersContextEndsTheWorkAndNotTheSession(t *testing.T) {
	t.Parallel()
	c, _ := client(t, common, killcord.Options{})
	ctx, cancel := context.WithCancelCause(context.Background())
	session, err := c.StartSession(ctx, killcord.StartOptions{AgentID: "loan-bot"})
	if err != nil {
		t.Fatal(err)
	}
	why := errors.New("the user went away")
	cancel(why)
	if context.Cause(session.Context()) != why || session.Err() != nil {
		t.Fatal(context.Cause(session.Context()), session.Err())
	}
	if err := session.Close(); err != nil {
		t.Fatal(err)
	}
	common.sealed(t, "session_ended", session.ID())
}

func TestBudgetsThatTheWireCannotSayAreRefused(t *testing.T) {
	t.Parallel()
	c, _ := client(t, common, killcord.Options{})
	for _, options := range []killcord.StartOptions{
		{Budgets: killcord.Budgets{TTL: 1500 * time.Millisecond}},
		{Budgets: killcord.Budgets{IdleTimeout: -time.Second}},
		{Lease: 2500 * time.Millisecond},
		{Grace: -1},
	} {
		if _, err := c.StartSession(context.Background(), options); err == nil {
			t.Errorf("%+v was taken", options)
		}
	}
	var refused *killcord.RequestRefused
	_, err := c.StartSession(context.Background(), killcord.StartOptions{AgentID: "a", Lease: 400 * time.Second})
	if !errors.As(err, &refused) || refused.Code() != "invalid_argument" {
		t.Fatal(err)
	}
	// A limit of none is a limit.
	session := start(t, c, killcord.StartOptions{Budgets: killcord.Budgets{MaxActions: killcord.Limit(0)}})
	if _, err := session.Intercept(context.Background(), killcord.Action{Type: "x"}); err == nil {
		t.Fatal("allowed")
	}
}

func TestCloseLeavesNoGoroutine(t *testing.T) {
	// One goroutine of the client's takes its time to end.
	var ended atomic.Bool
	slow := opened("WatchSessions", func(ctx context.Context, open func(context.Context) (grpc.ClientStream, error)) (grpc.ClientStream, error) {
		stream, err := open(ctx)
		return dawdler{stream, func() {
			time.Sleep(50 * time.Millisecond)
			ended.Store(true)
		}}, err
	})
	c, _ := client(t, common, killcord.Options{DialOptions: []grpc.DialOption{slow}})
	session := start(t, c, killcord.StartOptions{})
	session.Go(func(ctx context.Context) { <-ctx.Done() })
	eventually(t, "the watch", session.Watched)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if !ended.Load() {
		t.Error("Close did not wait")
	}
	now := stacks()
	for _, each := range []string{"(*watch).run(", "(*watch).read(", "(*Session).beat(", "(*Session).acknowledge(", "(*Session).windDown("} {
		if strings.Contains(now, "killcord."+each) {
			t.Errorf("after Close there is a goroutine in %s", each)
		}
	}
	if _, err := c.StartSession(context.Background(), killcord.StartOptions{}); !errors.Is(err, killcord.ErrClientClosed) {
		t.Fatal(err)
	}
}

type dawdler struct {
	grpc.ClientStream
	ended func()
}

func (d dawdler) RecvMsg(message any) error {
	err := d.ClientStream.RecvMsg(message)
	if err != nil {
		d.ended()
	}
	return err
}

func stacks() string {
	buffer := make([]byte, 1<<20)
	return string(buffer[:runtime.Stack(buffer, true)])
}

func TestManyGoroutinesMayUseASession(t *testing.T) {
	t.Parallel()
	c, _ := client(t, common, killcord.Options{})
	session := start(t, c, killcord.StartOptions{Budgets: killcord.Budgets{MaxActions: killcord.Limit(50)}})
	var allowed atomic.Int64
	var ended []chan struct{}
	for range 8 {
		end := make(chan struct{})
		ended = append(ended, end)
		session.Go(func(ctx context.Context) {
			defer close(end)
			for session.Guard() == nil {
				if _, err := session.Intercept(ctx, killcord.Action{Type: "x"}); err == nil {
					allowed.Add(1)
				}
			}
		})
	}
	for _, end := range ended {
		receive(t, "each goroutine's end", end)
	}
	// An allow that the stop overtook on its way back is none any more.
	if allowed.Load() > 50 || allowed.Load() == 0 {
		t.Fatalf("%d were allowed", allowed.Load())
	}
	eventually(t, "50 counted", func() bool { return session.State().GetConsumed().GetActions() == 50 })
}

func TestARevokedCredentialStopsItsSessionsAndTheStopIsConfirmed(t *testing.T) {
	t.Parallel()
	agent := unique(t)
	if _, err := common.credentials.RegisterAgent(common.admin(), &v1.RegisterAgentRequest{Name: agent}); err != nil {
		t.Fatal(err)
	}
	issued, err := common.credentials.IssueCredential(common.admin(), &v1.IssueCredentialRequest{AgentId: agent})
	if err != nil {
		t.Fatal(err)
	}
	c, _ := client(t, common, killcord.Options{APIKey: issued.GetCredential().GetSecret()})
	session, err := c.StartSession(context.Background(), killcord.StartOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := common.credentials.RevokeCredential(common.admin(), &v1.RevokeCredentialRequest{CredentialId: issued.GetCredential().GetCredentialId()}); err != nil {
		t.Fatal(err)
	}
	if stop := stopOf(t, session); stop.StopReason != "credential_revoked" {
		t.Fatal(stop)
	}
	session.Close()
	common.sealed(t, "halt_confirmed", session.ID())
}
