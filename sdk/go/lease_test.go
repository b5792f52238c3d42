package killcord_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"

	"killcord.example/killcord"
	v1 "killcord.example/killcord/gen/killcord/v1"
)

// clock stands still until a test moves it.
type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Duration    { return time.Duration(c.at.Load()) }
func (c *clock) pass(by time.Duration) { c.at.Add(int64(by)) }

// hours starts a client whose leases go by a clock of the test's.
func hours(t *testing.T, options killcord.Options) (*killcord.Client, *lines, *clock) {
	c, log := client(t, common, options)
	hour := &clock{}
	c.SetClock(hour.now)
	return c, log, hour
}

func TestASuspendedProcessLooksAtItsLeaseFirst(t *testing.T) {
	t.Parallel()
	c, _, hour := hours(t, killcord.Options{})
	for _, look := range []func(*killcord.Session) error{
		(*killcord.Session).Err, (*killcord.Session).Guard, ask,
	} {
		session := start(t, c, killcord.StartOptions{})
		eventually(t, "the watch", session.Watched)
		hour.pass(30*time.Second - 1)
		if err := session.Err(); err != nil {
			t.Fatal("before its end:", err)
		}
		hour.pass(1)
		stop, stopped := killcord.Stopped(look(session))
		if !stopped || stop.StopReason != killcord.StopLeaseLost || session.Context().Err() == nil {
			t.Fatal("at its end:", stop)
		}
	}
}

func TestALeaseIsCountedFromTheSendingOfWhatIsAnswered(t *testing.T) {
	t.Parallel()
	var slow func()
	late := altered("Intercept", func(_ context.Context, _ any, invoke func() error) error {
		err := invoke()
		slow()
		return err
	})
	c, _, hour := hours(t, killcord.Options{DialOptions: []grpc.DialOption{late}})
	session := start(t, c, killcord.StartOptions{})
	eventually(t, "the watch", session.Watched)
	hour.pass(5 * time.Second)
	slow = func() { hour.pass(10 * time.Second) }
	if err := ask(session); err != nil {
		t.Fatal(err)
	}
	if session.Renewed() != 5*time.Second {
		t.Fatalf("counted from %s", session.Renewed())
	}
	// An answer that comes after the end revives nothing.
	slow = func() { hour.pass(30 * time.Second) }
	if stop, stopped := killcord.Stopped(ask(session)); !stopped || stop.StopReason != killcord.StopLeaseLost {
		t.Fatal(session.Err())
	}
}

func TestNothingRenewsALeaseButARoundTrip(t *testing.T) {
	t.Parallel()
	c, _, hour := hours(t, killcord.Options{})
	session := start(t, c, killcord.StartOptions{})
	eventually(t, "the watch", session.Watched)
	hour.pass(9 * time.Second)
	// More of the watch: a state of this session, and one of a new one.
	common.sessions.EndSession(common.admin(), &v1.EndSessionRequest{SessionId: start(t, c, killcord.StartOptions{}).ID()})
	eventually(t, "the watch", session.Watched)
	if session.Renewed() != 0 {
		t.Fatal("renewed by the watch")
	}
	hour.pass(21 * time.Second)
	if session.Err() == nil {
		t.Fatal("outlived its lease")
	}
}

func TestAClientWithoutItsServerStopsTheRunBeforeTheServerDoes(t *testing.T) {
	t.Parallel()
	w := newWeather(t, common.address)
	c, log := client(t, common, killcord.Options{URL: w.url, Timeout: time.Second})
	session := start(t, c, killcord.StartOptions{Lease: 2 * time.Second})
	eventually(t, "the watch", session.Watched)
	w.turn(stuck)
	w.hold()
	stop := stopOf(t, session)
	if stop.StopReason != killcord.StopLeaseLost || stop.HaltID != "" {
		t.Fatal(stop)
	}
	if state, err := common.sessions.GetSession(common.admin(), &v1.GetSessionRequest{SessionId: session.ID()}); err != nil ||
		state.GetSession().GetStatus() != v1.SessionStatus_SESSION_STATUS_ACTIVE {
		t.Fatal("the server was first", state, err)
	}
	if said := log.with("cannot be reached"); said > 1 {
		t.Fatalf("said %d times", said)
	}
	// Back again, the stop is acknowledged by what the server calls it.
	w.turn(clear)
	w.cut()
	session.Close()
	common.sealed(t, "halt_confirmed", session.ID())
	if stop, _ := killcord.Stopped(session.Err()); stop.HaltID == "" {
		t.Fatal(stop)
	}
}

func TestHeartbeatsKeepALeaseAlive(t *testing.T) {
	t.Parallel()
	c, _ := client(t, common, killcord.Options{})
	session := start(t, c, killcord.StartOptions{Lease: 2 * time.Second})
	first := session.Renewed()
	eventually(t, "renewals for longer than the lease", func() bool { return session.Renewed() > first+2*time.Second })
	if err := session.Err(); err != nil {
		t.Fatal(err)
	}
}

func TestALostLeaseMayPauseTheRunUntilTheServerIsHeard(t *testing.T) {
	t.Parallel()
	deaf := atomic.Bool{}
	silent := altered("Heartbeat", func(ctx context.Context, _ any, invoke func() error) error {
		if deaf.Load() {
			<-ctx.Done()
			return ctx.Err()
		}
		return invoke()
	})
	c, _, hour := hours(t, killcord.Options{DialOptions: []grpc.DialOption{silent}})
	deaf.Store(true)
	session := start(t, c, killcord.StartOptions{OnLeaseLost: killcord.LeasePause})
	events := make(chan killcord.Event, 9)
	session.OnEvent(func(event killcord.Event) { events <- event })
	hour.pass(30 * time.Second)
	var paused *killcord.SessionPaused
	var blocked *killcord.ActionBlocked
	if err := session.Guard(); !errors.As(err, &paused) || !errors.As(err, &blocked) || session.Err() != nil {
		t.Fatal(err)
	}
	if event := receive(t, "the pause", events); event.Kind != killcord.EventPause {
		t.Fatal(event)
	}
	deaf.Store(false)
	session.BeatNow()
	if event := receive(t, "the resume", events); event.Kind != killcord.EventResume || session.Guard() != nil {
		t.Fatal(event)
	}
}

func TestALostLeaseMayLetTheRunGoOnAndSaysSo(t *testing.T) {
	t.Parallel()
	c, log, hour := hours(t, killcord.Options{})
	session := start(t, c, killcord.StartOptions{OnLeaseLost: killcord.LeaseContinue})
	hour.pass(time.Hour)
	if err := session.Guard(); err != nil || session.Guard() != nil || log.with("goes on without a server") != 1 {
		t.Fatal(err)
	}
}

func TestASessionWithoutALeaseGoesOnAlone(t *testing.T) {
	t.Parallel()
	c, _, hour := hours(t, killcord.Options{})
	session := start(t, c, killcord.StartOptions{Lease: killcord.NoLease})
	hour.pass(24 * time.Hour)
	if err := session.Guard(); err != nil || session.State().LeaseSeconds != nil {
		t.Fatal(err)
	}
}

func TestTheClockOfLeasesRuns(t *testing.T) {
	t.Parallel()
	before := killcord.Elapsed()
	eventually(t, "time passing", func() bool { return killcord.Elapsed() > before })
}
