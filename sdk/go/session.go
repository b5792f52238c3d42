package killcord

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	v1 "killcord.example/killcord/gen/killcord/v1"
)

// Session is one run of an agent. It may be used by many goroutines at once.
type Session struct {
	client  *Client
	id      string
	options StartOptions

	ctx    context.Context
	cancel context.CancelCauseFunc

	// stop is what ended the run: once set it stays, and every call returns it.
	stop atomic.Pointer[SessionTerminated]
	held atomic.Pointer[SessionPaused]

	mu    sync.Mutex
	state *v1.Session
	// generation is the newest stream of the watch that told of this session; up, whether it runs.
	generation uint64
	up         bool
	downSince  time.Duration
	// pausedBy are the two sides that can hold a session.
	pausedByServer string
	pausedByLease  string
	// changed is closed, and replaced, when a pause begins or ends.
	changed chan struct{}
	lease   lease
	// urgent asks for a heartbeat at once.
	urgent bool
	events events
	work   work

	// denials in a row, of the heartbeats' alone.
	denials int

	// haltID is what a stop is acknowledged by; haltKnown is closed when it is there.
	haltID    string
	haltKnown chan struct{}
	// over ends the heartbeats; settled is closed when a stop is acknowledged or given up.
	over    chan struct{}
	settled chan struct{}
	beating chan struct{}
	closing sync.Once
	closed  error
}

func newSession(ctx context.Context, c *Client, options StartOptions, state *v1.Session, sent time.Duration) *Session {
	s := &Session{
		client: c, id: state.GetSessionId(), options: options, state: state,
		changed:   make(chan struct{}),
		haltKnown: make(chan struct{}),
		over:      make(chan struct{}),
		settled:   make(chan struct{}),
		beating:   make(chan struct{}, 1),
		work:      newWork(),
		downSince: sent,
	}
	s.ctx, s.cancel = context.WithCancelCause(ctx)
	s.ctx = NewContext(s.ctx, s)
	s.lease = lease{length: max(options.Lease, 0), from: sent}
	if options.OnEvent != nil {
		s.events.listeners = append(s.events.listeners, options.OnEvent)
	}
	s.events.log = c.log
	return s
}

// begin starts what runs beside the session. False: the client is closed.
func (s *Session) begin() bool {
	if !s.client.watch.add(s) {
		s.cancel(ErrClientClosed)
		return false
	}
	// The answer to a start that was repeated may tell of a stop already.
	s.learn(s.state, fromReply)
	return s.client.spawn(s.beat)
}

// ID is `sess_` and 24 hex digits.
func (s *Session) ID() string { return s.id }

// Context is cancelled the moment the run must stop, with the *SessionTerminated as its
// context.Cause. It carries the session, for FromContext.
func (s *Session) Context() context.Context { return s.ctx }

// Err is nil while the run may go on, and the *SessionTerminated once it may not. It does not tell of
// a pause: Guard does.
func (s *Session) Err() error {
	if stop := s.stopped(); stop != nil {
		return stop
	}
	return nil
}

// stopped looks at the lease first: a process that was suspended wakes up here.
func (s *Session) stopped() *SessionTerminated {
	if stop := s.stop.Load(); stop != nil {
		return stop
	}
	s.checkLease()
	return s.stop.Load()
}

// Guard is for between two steps: it returns the *SessionTerminated of a stopped run, and the
// *SessionPaused of one that is held. With PauseWait it waits until the pause is over.
func (s *Session) Guard() error { return s.permit(s.ctx, "") }

// permit is Guard for an action that waits no longer than its own context.
func (s *Session) permit(ctx context.Context, action string) error {
	for {
		changed := s.change()
		if stop := s.stopped(); stop != nil {
			return stop
		}
		held := s.held.Load()
		if held == nil {
			return nil
		}
		if s.options.WhenPaused != PauseWait {
			return newPaused(s.id, action, "", held.Reason)
		}
		select {
		case <-changed:
		case <-s.ctx.Done():
			return s.cause()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// cause is why the session's context ended: the stop, if there is one.
func (s *Session) cause() error {
	if stop := s.stopped(); stop != nil {
		return stop
	}
	return context.Cause(s.ctx)
}

func (s *Session) change() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// State is the newest state that the watch has told of, as the API has it.
func (s *Session) State() *v1.Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return proto.Clone(s.state).(*v1.Session)
}

// Close says that the body of the run has ended: with the session's context everything else ends
// too. A session that was not stopped is ended on the server. For one that was, Close waits until the
// stop is acknowledged as done, if the rest of the work ends. It never waits longer than the client's
// timeout, and only the first call does anything.
func (s *Session) Close() error {
	s.closing.Do(func() {
		s.closed = s.close()
	})
	return s.closed
}

func (s *Session) close() error {
	s.work.close()
	if s.stop.Load() == nil {
		if err := s.end(); err != nil {
			return err
		}
	}
	if stop := s.stop.Load(); stop.Status == StatusEnded {
		s.forget()
		return nil
	}
	timer := time.NewTimer(s.client.options.Timeout)
	defer timer.Stop()
	select {
	case <-s.settled:
	case <-s.expectsNoHalt():
	case <-timer.C:
	}
	return nil
}

// expectsNoHalt is ready for a stop that the client alone knows of: what the server will call it is
// not worth waiting for.
func (s *Session) expectsNoHalt() <-chan struct{} {
	ready := make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.haltID == "" {
		close(ready)
	}
	return ready
}

// end ends the session here, and on the server. The server may answer that it was stopped before.
func (s *Session) end() error {
	s.halt(&SessionTerminated{SessionID: s.id, Status: StatusEnded, Reason: "ended by its own run"}, quietly)
	var answer *v1.EndSessionResponse
	err := s.client.repeat(context.WithoutCancel(s.ctx), s.client.options.Timeout, func(ctx context.Context, _ time.Duration) (err error) {
		answer, err = s.client.sessions.EndSession(ctx, &v1.EndSessionRequest{SessionId: s.id})
		return err
	})
	if err != nil {
		s.forget()
		return fmt.Errorf("killcord: end session %s: %w", s.id, err)
	}
	s.learn(answer.GetSession(), fromReply)
	return nil
}

// forget takes the session out of the watch.
func (s *Session) forget() { s.client.watch.remove(s) }

// Stopped finds the stop of a run in an error or in the cause of a context.
func Stopped(err error) (*SessionTerminated, bool) {
	var stop *SessionTerminated
	found := errors.As(err, &stop)
	return stop, found
}
