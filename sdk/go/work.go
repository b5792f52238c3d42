package killcord

import (
	"context"
	"sync"
)

// work counts what a run is doing: its body until Close, and each tool, request and goroutine.
type work struct {
	mu      sync.Mutex
	running int
	closed  bool
	ended   chan struct{}
}

func newWork() work { return work{running: 1, ended: make(chan struct{})} }

// begin counts one more. False: all has ended.
func (w *work) begin() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.running == 0 {
		return false
	}
	w.running++
	return true
}

func (w *work) done() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running--
	if w.running == 0 {
		close(w.ended)
	}
}

// close ends the body.
func (w *work) close() {
	w.mu.Lock()
	first := !w.closed
	w.closed = true
	w.mu.Unlock()
	if first {
		w.done()
	}
}

func (w *work) over() bool {
	select {
	case <-w.ended:
		return true
	default:
		return false
	}
}

// Go runs fn in a goroutine as a part of the run: a stop is confirmed only when it has returned, which
// it should do when ctx, the session's context, is done.
func (s *Session) Go(fn func(ctx context.Context)) error {
	if !s.work.begin() {
		return s.cause()
	}
	go func() {
		defer s.work.done()
		fn(s.ctx)
	}()
	return nil
}

// Bind gives ctx the session's stop as well: the new context is done as soon as one of the two is,
// with its cause, and carries the session. Call cancel when the work with it is done.
func (s *Session) Bind(ctx context.Context) (bound context.Context, cancel context.CancelFunc) {
	if s.ctx.Err() != nil {
		// At once, and not in a goroutine's time.
		bound, stop := context.WithCancelCause(ctx)
		stop(s.cause())
		return NewContext(bound, s), func() {}
	}
	bound, stop := context.WithCancelCause(ctx)
	detach := context.AfterFunc(s.ctx, func() { stop(context.Cause(s.ctx)) })
	return NewContext(bound, s), func() {
		detach()
		stop(context.Canceled)
	}
}

type contextKey struct{}

// NewContext carries a session along.
func NewContext(ctx context.Context, session *Session) context.Context {
	return context.WithValue(ctx, contextKey{}, session)
}

// FromContext finds the session that NewContext, Session.Context or Session.Bind put there.
func FromContext(ctx context.Context) (*Session, bool) {
	session, found := ctx.Value(contextKey{}).(*Session)
	return session, found
}
