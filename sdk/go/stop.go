package killcord

import (
	"context"
	"sync"
	"time"

	v1 "killcord.example/killcord/gen/killcord/v1"
)

const (
	// acknowledgeFor is how long an acknowledgement is repeated.
	acknowledgeFor = 10 * time.Second
	// haltWithin is how long the server's order is waited for after a stop of the client's own.
	haltWithin = time.Minute
)

// OnStop calls fn once, in a goroutine of its own, when the run is stopped: at once, if it is already.
// What hangs or panics in it keeps nothing else from happening.
func (s *Session) OnStop(fn func(*SessionTerminated)) {
	s.mu.Lock()
	stop := s.stop.Load()
	if stop == nil {
		s.options.OnStop = append(s.options.OnStop[:len(s.options.OnStop):len(s.options.OnStop)], fn)
	}
	s.mu.Unlock()
	if stop != nil {
		go guarded(s.client.log, s.id, func() { fn(stop) })
	}
}

// OnEvent calls fn with what happens from now on, one event after the other.
func (s *Session) OnEvent(fn func(Event)) { s.events.listen(fn) }

// windDown runs the stop callbacks, and tells the log what has not ended within the grace.
func (s *Session) windDown(stop *SessionTerminated) {
	s.mu.Lock()
	callbacks := s.options.OnStop
	s.mu.Unlock()
	var running sync.WaitGroup
	for _, callback := range callbacks {
		running.Go(func() { guarded(s.client.log, s.id, func() { callback(stop) }) })
	}
	called := make(chan struct{})
	go func() {
		running.Wait()
		close(called)
	}()
	grace, cancel := context.WithTimeout(s.client.ctx, s.options.Grace)
	defer cancel()
	ended := [...]struct {
		what <-chan struct{}
		not  string
	}{
		{s.work.ended, "killcord: the run has not ended within its grace; it is confirmed when it does"},
		{called, "killcord: a stop callback has not returned within the grace; it is left behind"},
	}
	for _, each := range ended {
		select {
		case <-each.what:
		case <-grace.Done():
			select {
			case <-each.what:
			default:
				if s.client.ctx.Err() == nil {
					s.client.log.Warn(each.not, "session", s.id, "grace", s.options.Grace)
				}
			}
		}
	}
}

// acknowledge tells the server that the run is stopping, at once, and that it has stopped when that
// is true and not before.
func (s *Session) acknowledge(stop *SessionTerminated) {
	defer close(s.settled)
	defer s.forget()
	if stop.Status == StatusEnded || stop.StopReason == StopAccessDenied || stop.StopReason == StopSessionNotFound {
		return
	}
	wait, cancel := context.WithTimeout(s.client.ctx, haltWithin)
	defer cancel()
	select {
	case <-s.haltKnown:
	case <-wait.Done():
		return
	}
	if !s.tell(v1.HaltPhase_HALT_PHASE_STOPPING, v1.HaltEvidence_HALT_EVIDENCE_UNSPECIFIED) {
		return
	}
	select {
	case <-s.work.ended:
	case <-s.client.ctx.Done():
		return
	}
	s.tell(v1.HaltPhase_HALT_PHASE_STOPPED, v1.HaltEvidence_HALT_EVIDENCE_TASKS_CANCELLED)
}

// tell acknowledges one phase, with repeats. False: no further phase will be taken.
func (s *Session) tell(phase v1.HaltPhase, evidence v1.HaltEvidence) bool {
	ctx, cancel := context.WithTimeout(s.client.ctx, acknowledgeFor)
	defer cancel()
	s.mu.Lock()
	request := &v1.AcknowledgeHaltRequest{SessionId: s.id, HaltId: s.haltID, Phase: phase, Evidence: evidence}
	s.mu.Unlock()
	stopping := phase == v1.HaltPhase_HALT_PHASE_STOPPING
	for attempt := 0; ; attempt++ {
		err := s.client.attempt(ctx, attemptTimeout, func(ctx context.Context, _ time.Duration) error {
			_, err := s.client.sessions.AcknowledgeHalt(ctx, request)
			return err
		})
		switch {
		case err == nil:
			return true
		case s.client.ctx.Err() != nil:
			return false
		case stopping && passing(err) && (s.work.over() || ctx.Err() != nil):
			// That it has stopped says more.
			return true
		case !passing(err) || !sleep(ctx, pause(attempt)):
			s.client.log.Warn("killcord: the stop could not be acknowledged; it will show as unconfirmed",
				"session", s.id, "phase", word(phase, "HALT_PHASE_"), "error", s.client.translate(err))
			return false
		}
	}
}
