package killcord_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc"

	"killcord.example/killcord"
	v1 "killcord.example/killcord/gen/killcord/v1"
)

func (s *server) pause(t *testing.T, id, reason string) {
	t.Helper()
	if _, err := s.sessions.PauseSession(s.admin(), &v1.PauseSessionRequest{SessionId: id, Reason: &reason}); err != nil {
		t.Fatal(err)
	}
}

func (s *server) resume(t *testing.T, id string) {
	t.Helper()
	if _, err := s.sessions.ResumeSession(s.admin(), &v1.ResumeSessionRequest{SessionId: id}); err != nil {
		t.Fatal(err)
	}
}

func TestAPauseRefusesUntilItIsResumed(t *testing.T) {
	t.Parallel()
	c, _ := client(t, common, killcord.Options{})
	events := make(chan killcord.Event, 9)
	session := start(t, c, killcord.StartOptions{OnEvent: func(event killcord.Event) { events <- event }})
	eventually(t, "the watch", session.Watched)
	common.pause(t, session.ID(), "a look at it")
	if event := receive(t, "the pause", events); event.Kind != killcord.EventPause || event.Reason != "a look at it" {
		t.Fatal(event)
	}
	var paused *killcord.SessionPaused
	var blocked *killcord.ActionBlocked
	for _, err := range []error{session.Guard(), ask(session)} {
		if !errors.As(err, &paused) || !errors.As(err, &blocked) || paused.Reason != "a look at it" {
			t.Error(err)
		}
	}
	if session.Err() != nil || session.Context().Err() != nil {
		t.Fatal("a pause is no stop")
	}
	common.resume(t, session.ID())
	if event := receive(t, "the resume", events); event.Kind != killcord.EventResume {
		t.Fatal(event)
	}
	if err := errors.Join(session.Guard(), ask(session)); err != nil {
		t.Fatal(err)
	}
}

func TestWaitingWorkGoesOnWhenItIsResumed(t *testing.T) {
	t.Parallel()
	c, _ := client(t, common, killcord.Options{})
	events := make(chan killcord.Event, 9)
	session := start(t, c, killcord.StartOptions{
		WhenPaused: killcord.PauseWait, OnEvent: func(event killcord.Event) { events <- event },
	})
	// At once: the verdict may tell of the pause before the watch does.
	common.pause(t, session.ID(), "wait")
	asked, guarded := make(chan error, 1), make(chan error, 1)
	go func() { asked <- ask(session) }()
	receive(t, "the pause", events)
	go func() { guarded <- session.Guard() }()
	impatient, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := session.Intercept(impatient, killcord.Action{Type: "x"}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	select {
	case err := <-asked:
		t.Fatal("did not wait:", err)
	case err := <-guarded:
		t.Fatal("did not wait:", err)
	default:
	}
	common.resume(t, session.ID())
	if err := errors.Join(receive(t, "the verdict", asked), receive(t, "the guard", guarded)); err != nil {
		t.Fatal(err)
	}
	if used := decided(t, session); used != 2 {
		t.Fatalf("%d actions counted", used)
	}
}

// decided asks for one more action, and tells how many were counted by then.
func decided(t *testing.T, session *killcord.Session) int64 {
	t.Helper()
	decision, err := session.Intercept(context.Background(), killcord.Action{Type: "x"})
	if err != nil {
		t.Fatal(err)
	}
	return decision.Actions
}

func TestAStopEndsTheWaitingForAResume(t *testing.T) {
	t.Parallel()
	c, _ := client(t, common, killcord.Options{})
	session := start(t, c, killcord.StartOptions{WhenPaused: killcord.PauseWait})
	common.pause(t, session.ID(), "wait")
	asked := make(chan error, 1)
	go func() { asked <- ask(session) }()
	eventually(t, "the pause", func() bool { return session.State().GetStatus() == v1.SessionStatus_SESSION_STATUS_PAUSED })
	common.kill(t, session.ID(), "never mind")
	if stop, stopped := killcord.Stopped(receive(t, "the verdict", asked)); !stopped || stop.Reason != "never mind" {
		t.Fatal(stop)
	}
}

func TestAPauseThatOnlyTheVerdictTellsOfIsWaitedFor(t *testing.T) {
	t.Parallel()
	mute := opened("WatchSessions", func(ctx context.Context, _ func(context.Context) (grpc.ClientStream, error)) (grpc.ClientStream, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	var made calls
	c, _ := client(t, common, killcord.Options{DialOptions: append(made.options(), mute)})
	c.SetClock(func() time.Duration { return time.Hour })
	session := start(t, c, killcord.StartOptions{WhenPaused: killcord.PauseWait})
	common.pause(t, session.ID(), "wait")
	asked := make(chan error, 1)
	go func() { asked <- ask(session) }()
	eventually(t, "the question again", func() bool { return made.of("Intercept") >= 2 })
	common.resume(t, session.ID())
	if err := receive(t, "the verdict", asked); err != nil {
		t.Fatal(err)
	}
}

func TestTheEndOfTheCallersContextEndsTheWaiting(t *testing.T) {
	t.Parallel()
	c, _ := client(t, common, killcord.Options{})
	ctx, cancel := context.WithCancelCause(context.Background())
	session, err := c.StartSession(ctx, killcord.StartOptions{AgentID: "loan-bot", WhenPaused: killcord.PauseWait})
	if err != nil {
		t.Fatal(err)
	}
	common.pause(t, session.ID(), "wait")
	eventually(t, "the pause", func() bool { return session.State().GetStatus() == v1.SessionStatus_SESSION_STATUS_PAUSED })
	guarded, asked := make(chan error, 1), make(chan error, 1)
	go func() { guarded <- session.Guard() }()
	go func() { asked <- ask(session) }()
	why := errors.New("the user went away")
	cancel(why)
	for _, waiting := range []chan error{guarded, asked} {
		if err := receive(t, "the end of the waiting", waiting); err != why {
			t.Error(err)
		}
	}
}

func TestAPauseDuringTheStartIsSeen(t *testing.T) {
	t.Parallel()
	c, _ := client(t, common, killcord.Options{})
	session := start(t, c, killcord.StartOptions{})
	common.pause(t, session.ID(), "early")
	var paused *killcord.SessionPaused
	eventually(t, "the pause", func() bool { return errors.As(session.Guard(), &paused) })
}

func TestAToolIsHeldByAPauseThatCameWhileItWorked(t *testing.T) {
	t.Parallel()
	c, _ := client(t, common, killcord.Options{})
	session := start(t, c, killcord.StartOptions{})
	eventually(t, "the watch", session.Watched)
	tool := killcord.Tool(session, "x", func(context.Context, struct{}) (string, error) {
		common.pause(t, session.ID(), "meanwhile")
		eventually(t, "the pause", func() bool { return session.Guard() != nil })
		return "done", nil
	})
	out, err := tool(context.Background(), struct{}{})
	if !errors.As(err, new(*killcord.SessionPaused)) || out != "done" {
		t.Fatal(out, err)
	}
}

func TestAHaltOnTheAgentStopsItsRunsAndRefusesNewOnes(t *testing.T) {
	t.Parallel()
	c, _ := client(t, common, killcord.Options{})
	agent := unique(t)
	first, second := start(t, c, killcord.StartOptions{AgentID: agent}), start(t, c, killcord.StartOptions{Lease: killcord.NoLease, AgentID: agent})
	halts := v1.NewHaltServiceClient(common.conn)
	reason := "key leaked"
	if _, err := halts.Halt(common.admin(), &v1.HaltRequest{
		Scope: &v1.HaltScope{Kind: v1.ScopeKind_SCOPE_KIND_AGENT, Id: agent}, Reason: &reason,
	}); err != nil {
		t.Fatal(err)
	}
	for _, each := range []*killcord.Session{first, second} {
		if stop := stopOf(t, each); stop.StopReason != "halted" || stop.Reason != reason {
			t.Error(stop)
		}
		each.Close()
		common.sealed(t, "halt_confirmed", each.ID())
	}
	var refused *killcord.RequestRefused
	_, err := c.StartSession(context.Background(), killcord.StartOptions{AgentID: agent})
	if !errors.As(err, &refused) || refused.Code() != "scope_halted" {
		t.Fatal(err)
	}
}
