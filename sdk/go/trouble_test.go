package killcord_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"killcord.example/killcord"
	v1 "killcord.example/killcord/gen/killcord/v1"
)

func ask(session *killcord.Session) error {
	_, err := session.Intercept(context.Background(), killcord.Action{Type: "transfer_funds"})
	return err
}

func isUnreachable(err error) bool {
	var silence *killcord.ServerUnreachable
	return errors.As(err, &silence)
}

func TestAStartFailsWhenNoServerIsThere(t *testing.T) {
	t.Parallel()
	w := newWeather(t, common.address)
	w.turn(refused)
	c, _ := client(t, common, killcord.Options{URL: w.url, Timeout: 300 * time.Millisecond})
	_, err := c.StartSession(context.Background(), killcord.StartOptions{AgentID: "a", FailOpen: true})
	if !isUnreachable(err) || !strings.Contains(err.Error(), w.url) || !strings.Contains(err.Error(), "KILLCORD_URL") {
		t.Fatal(err)
	}
}

func TestAStartWaitsForAServerThatComesInTime(t *testing.T) {
	t.Parallel()
	w := newWeather(t, common.address)
	w.turn(refused)
	c, _ := client(t, common, killcord.Options{URL: w.url, Timeout: soon})
	go func() {
		for w.accepted.Load() < 3 {
			time.Sleep(time.Millisecond)
		}
		w.turn(clear)
	}()
	start(t, c, killcord.StartOptions{})
}

func TestAStartWhoseAnswerIsLostOpensOneSession(t *testing.T) {
	t.Parallel()
	var lost atomic.Bool
	losing := altered("StartSession", func(_ context.Context, _ any, invoke func() error) error {
		if err := invoke(); err != nil || lost.Swap(true) {
			return err
		}
		return status.Error(codes.Unavailable, "the answer was lost")
	})
	c, _ := client(t, common, killcord.Options{DialOptions: []grpc.DialOption{losing}})
	label := unique(t)
	session := start(t, c, killcord.StartOptions{Label: label})
	if !lost.Load() || common.count(t, "session_started", label) != 1 || session.Err() != nil {
		t.Fatal("not one session")
	}
}

func TestAnActionWhoseAnswerIsLostIsCountedOnce(t *testing.T) {
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
	decision, err := session.Intercept(context.Background(), killcord.Action{Type: "x"})
	if err != nil || decision.Actions != 1 {
		t.Fatal(decision, err)
	}
}

func TestAWrongKeyIsDeniedAtOnce(t *testing.T) {
	t.Parallel()
	var made calls
	c, _ := client(t, common, killcord.Options{APIKey: "kc_wrong", DialOptions: made.options()})
	_, err := c.StartSession(context.Background(), killcord.StartOptions{AgentID: "a"})
	var denied *killcord.AccessDenied
	if !errors.As(err, &denied) || denied.Code() != "invalid_api_key" || made.of("StartSession") != 1 {
		t.Fatal(err)
	}
}

func TestAKeyThatIsRevokedStopsTheRun(t *testing.T) {
	t.Parallel()
	made, err := common.keys.CreateKey(common.admin(), &v1.CreateKeyRequest{Name: "leaked", Roles: []v1.Role{v1.Role_ROLE_AGENT}})
	if err != nil {
		t.Fatal(err)
	}
	c, _ := client(t, common, killcord.Options{APIKey: made.GetSecret()})
	c.SetClock(func() time.Duration { return time.Hour })
	session := start(t, c, killcord.StartOptions{})
	eventually(t, "the watch", session.Watched)
	if _, err := common.keys.RevokeKey(common.admin(), &v1.RevokeKeyRequest{KeyId: made.GetKey().GetKeyId()}); err != nil {
		t.Fatal(err)
	}
	var denied *killcord.AccessDenied
	if stop := stopOf(t, session); stop.StopReason != killcord.StopAccessDenied || !errors.As(stop, &denied) {
		t.Fatal(stop)
	}
}

func TestAKeyThatRotatesIsUsedFromTheNextCallOn(t *testing.T) {
	t.Parallel()
	key, err := common.keys.CreateKey(common.admin(), &v1.CreateKeyRequest{Name: "rolling", Roles: []v1.Role{v1.Role_ROLE_AGENT}})
	if err != nil {
		t.Fatal(err)
	}
	var current atomic.Value
	current.Store(key.GetSecret())
	c, _ := client(t, common, killcord.Options{KeySource: func(context.Context) (string, error) { return current.Load().(string), nil }})
	session := start(t, c, killcord.StartOptions{})
	eventually(t, "the watch", session.Watched)
	next, err := common.keys.RotateKey(common.admin(), &v1.RotateKeyRequest{KeyId: key.GetKey().GetKeyId()})
	if err != nil {
		t.Fatal(err)
	}
	current.Store(next.GetSecret())
	if _, err := common.keys.RevokeKey(common.admin(), &v1.RevokeKeyRequest{KeyId: key.GetKey().GetKeyId()}); err != nil {
		t.Fatal(err)
	}
	// The old key's watch has ended with it; the new one's must tell of the kill.
	common.kill(t, session.ID(), "by the new key")
	if stop := stopOf(t, session); stop.Reason != "by the new key" {
		t.Fatal(stop)
	}
}

func TestAnOutageInTheMiddleAllowsNothingAndIsSaidOnce(t *testing.T) {
	t.Parallel()
	w := newWeather(t, common.address)
	c, log := client(t, common, killcord.Options{URL: w.url, Timeout: 400 * time.Millisecond})
	session := start(t, c, killcord.StartOptions{})
	eventually(t, "the watch", session.Watched)
	w.turn(refused)
	w.cut()
	for range 3 {
		if err := ask(session); !isUnreachable(err) {
			t.Fatal(err)
		}
	}
	if said := log.with("cannot be reached"); said != 1 {
		t.Fatalf("said %d times", said)
	}
	common.kill(t, session.ID(), "while it was away")
	w.turn(clear)
	if stop := stopOf(t, session); stop.Reason != "while it was away" {
		t.Fatal(stop)
	}
	session.Close()
	common.sealed(t, "halt_confirmed", session.ID())
}

func TestADeadConnectionIsLeftForANewOne(t *testing.T) {
	t.Parallel()
	w := newWeather(t, common.address)
	c, _ := client(t, common, killcord.Options{URL: w.url})
	session := start(t, c, killcord.StartOptions{})
	eventually(t, "the watch", session.Watched)
	w.hold()
	if err := ask(session); err != nil {
		t.Fatal(err)
	}
	if w.accepted.Load() != 2 {
		t.Fatalf("%d connections", w.accepted.Load())
	}
	eventually(t, "the watch on the new one", session.Watched)
	common.kill(t, session.ID(), "on the new one")
	stopOf(t, session)
}

func TestFailOpenAllowsWithAWarningEachTimeButPassesNoStop(t *testing.T) {
	t.Parallel()
	w := newWeather(t, common.address)
	c, log := client(t, common, killcord.Options{URL: w.url, Timeout: 200 * time.Millisecond})
	session := start(t, c, killcord.StartOptions{FailOpen: true})
	stopped := start(t, c, killcord.StartOptions{FailOpen: true})
	common.kill(t, stopped.ID(), "known")
	stopOf(t, stopped)
	renewed := session.Renewed()
	w.turn(refused)
	w.cut()
	for range 2 {
		decision, err := session.Intercept(context.Background(), killcord.Action{Type: "x"})
		if err != nil || !decision.Offline || decision.DecisionID != "" {
			t.Fatal(decision, err)
		}
	}
	if log.with("allowed without asking") != 2 {
		t.Fatal("not said each time")
	}
	if _, known := killcord.Stopped(ask(stopped)); !known {
		t.Fatal("a known stop was passed")
	}
	if session.Renewed() != renewed {
		t.Fatal("the lease was renewed offline")
	}
}

func TestARestartOfTheServerIsOutlived(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			s := ownServer(t)
			c, _ := client(t, s, killcord.Options{Timeout: soon})
			session, other := start(t, c, killcord.StartOptions{}), start(t, c, killcord.StartOptions{})
			eventually(t, "the watch", other.Watched)
			s.end(signal)
			asked := make(chan error)
			go func() { asked <- ask(session) }()
			if err := s.start(); err != nil {
				t.Fatal(err)
			}
			if err := receive(t, "an answer by the new process", asked); err != nil {
				t.Fatal(err)
			}
			s.kill(t, other.ID(), "after the restart")
			stopOf(t, other)
			other.Close()
			s.sealed(t, "halt_confirmed", other.ID())
			if err := session.Err(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// foreign puts the token of another log in the place of each that a client sends.
type foreign struct {
	grpc.ClientStream
	token string
}

func (f foreign) SendMsg(message any) error {
	if request := message.(*v1.WatchSessionsRequest); request.ResumeToken != "" {
		request.ResumeToken = f.token
	}
	return f.ClientStream.SendMsg(message)
}

func TestALogThatHasLostSomethingIsWatchedAnew(t *testing.T) {
	t.Parallel()
	var streams atomic.Int64
	w := newWeather(t, common.address)
	var token string
	other := ownServer(t)
	if stream, err := other.sessions.WatchSessions(other.admin(), &v1.WatchSessionsRequest{}); err != nil {
		t.Fatal(err)
	} else if message, err := stream.Recv(); err != nil {
		t.Fatal(err)
	} else {
		token = message.GetResumeToken()
	}
	strange := opened("WatchSessions", func(ctx context.Context, open func(context.Context) (grpc.ClientStream, error)) (grpc.ClientStream, error) {
		stream, err := open(ctx)
		streams.Add(1)
		return foreign{stream, token}, err
	})
	c, log := client(t, common, killcord.Options{URL: w.url, DialOptions: []grpc.DialOption{strange}})
	session := start(t, c, killcord.StartOptions{})
	eventually(t, "the watch", session.Watched)
	w.cut()
	eventually(t, "a third stream", func() bool { return streams.Load() >= 3 && session.Watched() })
	if log.with("has less in its log") != 1 {
		t.Fatal("not said once")
	}
	common.kill(t, session.ID(), "still heard")
	stopOf(t, session)
}

func TestWithoutStreamsHeartbeatsTellOfTheStop(t *testing.T) {
	t.Parallel()
	none := opened("WatchSessions", func(context.Context, func(context.Context) (grpc.ClientStream, error)) (grpc.ClientStream, error) {
		return nil, status.Error(codes.Unimplemented, "an older server")
	})
	c, log := client(t, common, killcord.Options{DialOptions: []grpc.DialOption{none}})
	session := start(t, c, killcord.StartOptions{Lease: killcord.NoLease})
	eventually(t, "a word in the log", func() bool { return log.with("no stream comes through") == 1 })
	common.kill(t, session.ID(), "by heartbeat")
	if stop := stopOf(t, session); stop.Reason != "by heartbeat" {
		t.Fatal(stop)
	}
	session.Close()
	common.sealed(t, "halt_confirmed", session.ID())
	if log.with("no stream comes through") != 1 {
		t.Fatal("said more than once")
	}
}

func TestASessionThatTheServerDoesNotKnowIsStopped(t *testing.T) {
	t.Parallel()
	gone := altered("Heartbeat", func(context.Context, any, func() error) error {
		return status.Error(codes.NotFound, "no such session")
	})
	unknown := opened("WatchSessions", func(context.Context, func(context.Context) (grpc.ClientStream, error)) (grpc.ClientStream, error) {
		return nil, status.Error(codes.NotFound, "no such session")
	})
	c, _ := client(t, common, killcord.Options{DialOptions: []grpc.DialOption{gone, unknown}})
	session := start(t, c, killcord.StartOptions{})
	if stop := stopOf(t, session); stop.StopReason != killcord.StopSessionNotFound {
		t.Fatal(stop)
	}
}

func TestAnInterceptOfASessionThatTheServerDoesNotKnowStopsItAtOnce(t *testing.T) {
	t.Parallel()
	gone := func(context.Context, any, func() error) error { return status.Error(codes.NotFound, "no such session") }
	c, _ := client(t, common, killcord.Options{DialOptions: []grpc.DialOption{altered("Heartbeat", gone), altered("Intercept", gone)}})
	session := start(t, c, killcord.StartOptions{Lease: killcord.NoLease})
	eventually(t, "the watch", session.Watched)
	var refused *killcord.RequestRefused
	if err := ask(session); !errors.As(err, &refused) {
		t.Fatal(err)
	}
	if stop := stopOf(t, session); stop.StopReason != killcord.StopSessionNotFound {
		t.Fatal(stop)
	}
}

func TestWhatANewerServerSaysIsNeverAnAllow(t *testing.T) {
	t.Parallel()
	var answer atomic.Pointer[v1.InterceptResponse]
	newer := altered("Intercept", func(_ context.Context, reply any, _ func() error) error {
		said := reply.(*v1.InterceptResponse)
		given := answer.Load()
		said.Decision, said.SessionStatus, said.Reasoning = given.Decision, given.SessionStatus, "as it wants"
		return nil
	})
	c, _ := client(t, common, killcord.Options{DialOptions: []grpc.DialOption{newer}})
	active := v1.SessionStatus_SESSION_STATUS_ACTIVE
	var blocked *killcord.ActionBlocked
	var escalated *killcord.ActionEscalated
	var stopped *killcord.SessionTerminated
	var paused *killcord.SessionPaused
	for _, each := range []struct {
		verdict v1.Verdict
		status  v1.SessionStatus
		is      any
	}{
		{v1.Verdict_VERDICT_ALLOW, active, nil},
		{v1.Verdict_VERDICT_BLOCK, active, &blocked},
		{v1.Verdict_VERDICT_ESCALATE, active, &escalated},
		{v1.Verdict_VERDICT_UNSPECIFIED, active, &blocked},
		{99, active, &blocked},
		{v1.Verdict_VERDICT_ALLOW, 99, &blocked},
		{v1.Verdict_VERDICT_ALLOW, v1.SessionStatus_SESSION_STATUS_UNSPECIFIED, &blocked},
		{v1.Verdict_VERDICT_ALLOW, v1.SessionStatus_SESSION_STATUS_KILLED, &stopped},
		{v1.Verdict_VERDICT_ALLOW, v1.SessionStatus_SESSION_STATUS_PAUSED, &paused},
		{v1.Verdict_VERDICT_TERMINATE, 99, &stopped},
	} {
		session := start(t, c, killcord.StartOptions{})
		answer.Store(&v1.InterceptResponse{Decision: each.verdict, SessionStatus: each.status})
		err := ask(session)
		if (each.is == nil) != (err == nil) || each.is != nil && !errors.As(err, each.is) {
			t.Errorf("%v with %v: %v", each.verdict, each.status, err)
		}
	}
}

func TestAStatusOfANewerServerHoldsTheRun(t *testing.T) {
	t.Parallel()
	newer := altered("Heartbeat", func(_ context.Context, reply any, invoke func() error) error {
		err := invoke()
		reply.(*v1.HeartbeatResponse).GetSession().Status = 99
		return err
	})
	none := opened("WatchSessions", func(context.Context, func(context.Context) (grpc.ClientStream, error)) (grpc.ClientStream, error) {
		return nil, status.Error(codes.Unimplemented, "")
	})
	c, _ := client(t, common, killcord.Options{DialOptions: []grpc.DialOption{newer, none}})
	session := start(t, c, killcord.StartOptions{})
	var paused *killcord.SessionPaused
	eventually(t, "the hold", func() bool { return errors.As(session.Guard(), &paused) })
	if !strings.Contains(paused.Error(), "99") {
		t.Fatal(paused)
	}
}

func TestAnInterceptEndsWithItsContext(t *testing.T) {
	t.Parallel()
	w := newWeather(t, common.address)
	c, _ := client(t, common, killcord.Options{URL: w.url, Timeout: soon})
	session := start(t, c, killcord.StartOptions{FailOpen: true})
	eventually(t, "the watch", session.Watched)
	w.turn(stuck)
	w.hold()
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("not needed any more")
	asked := make(chan error)
	go func() {
		_, err := session.Intercept(ctx, killcord.Action{Type: "x"})
		asked <- err
	}()
	cancel(why)
	if err := receive(t, "the answer", asked); !errors.Is(err, why) {
		t.Fatal(err)
	}
	w.turn(clear)
	w.cut()
}

func TestACredentialThatRotatesKeepsItsRun(t *testing.T) {
	t.Parallel()
	agent := unique(t)
	if _, err := common.credentials.RegisterAgent(common.admin(), &v1.RegisterAgentRequest{Name: agent}); err != nil {
		t.Fatal(err)
	}
	issued, err := common.credentials.IssueCredential(common.admin(), &v1.IssueCredentialRequest{AgentId: agent})
	if err != nil {
		t.Fatal(err)
	}
	var current atomic.Value
	current.Store(issued.GetCredential().GetSecret())
	c, _ := client(t, common, killcord.Options{KeySource: func(context.Context) (string, error) { return current.Load().(string), nil }})
	session, err := c.StartSession(context.Background(), killcord.StartOptions{})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the watch", session.Watched)
	next, err := common.credentials.RotateCredential(common.admin(), &v1.RotateCredentialRequest{
		CredentialId: issued.GetCredential().GetCredentialId(),
	})
	if err != nil {
		t.Fatal(err)
	}
	current.Store(next.GetCredential().GetSecret())
	if err := ask(session); err != nil {
		t.Fatal(err)
	}
	common.kill(t, session.ID(), "by the new credential")
	stopOf(t, session)
	session.Close()
	common.sealed(t, "halt_confirmed", session.ID())
}
