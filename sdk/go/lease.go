package killcord

import (
	"context"
	"fmt"
	"math"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	v1 "killcord.example/killcord/gen/killcord/v1"
)

// lease is the time for which a run may go on without hearing from the server.
type lease struct {
	// length is 0 for none.
	length time.Duration
	// from is when the last round trip that was answered was sent.
	from time.Duration
	// lost is whether its loss was seen to.
	lost bool
}

// pollInterval is how often a heartbeat asks for the state while no watch tells it.
const pollInterval = time.Second

// checkLease stops or holds a run whose lease is over. Nobody has to be awake for it in time: each
// look at the session comes here first.
func (s *Session) checkLease() {
	s.mu.Lock()
	if s.lease.length == 0 || s.lease.lost || s.stop.Load() != nil || s.client.now() < s.lease.from+s.lease.length {
		s.mu.Unlock()
		return
	}
	s.lease.lost = true
	reason := fmt.Sprintf("nothing was heard from the server for the lease of %s", s.lease.length)
	if s.options.OnLeaseLost == LeasePause {
		s.pausedByLease = reason
		s.settleHold()
	}
	s.mu.Unlock()
	switch s.options.OnLeaseLost {
	case LeasePause:
		s.client.log.Warn("killcord: the run is held", "session", s.id, "reason", reason)
	case LeaseContinue:
		s.client.log.Warn("killcord: the run goes on without a server, as it was told to", "session", s.id, "reason", reason)
	default:
		s.halt(&SessionTerminated{SessionID: s.id, Status: StatusKilled, StopReason: StopLeaseLost, Reason: reason}, aloud)
	}
}

// renew counts the lease from when an answered call was sent. A lease that is over stays over.
func (s *Session) renew(sent time.Duration, answered v1.SessionStatus) {
	s.checkLease()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop.Load() != nil {
		return
	}
	s.lease.from = max(s.lease.from, sent)
	s.lease.lost = s.lease.lost && s.client.now() >= s.lease.from+s.lease.length
	if !s.lease.lost && s.pausedByLease != "" && answered == v1.SessionStatus_SESSION_STATUS_ACTIVE {
		s.pausedByLease = ""
		s.settleHold()
	}
}

// beat sends heartbeats: every third of the lease, unless an intercept was answered since, and every
// second at most while no watch tells the state.
func (s *Session) beat() {
	failures, notBefore := 0, time.Time{}
	for {
		_, wait := s.nextBeat(notBefore)
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-s.beating:
		case <-s.over:
		case <-s.client.ctx.Done():
		}
		timer.Stop()
		if s.stopped() != nil || s.client.ctx.Err() != nil {
			return
		}
		if due, _ := s.nextBeat(notBefore); !due {
			continue
		}
		if s.heartbeat() {
			failures, notBefore = 0, time.Time{}
		} else {
			notBefore = time.Now().Add(pause(failures))
			failures++
		}
	}
}

// nextBeat tells whether a heartbeat is due, and else how long to sleep until one is, or until the
// end of the lease.
func (s *Session) nextBeat(notBefore time.Time) (due bool, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	interval := time.Duration(math.MaxInt64 / 4)
	if s.lease.length > 0 {
		interval = s.lease.length / 3
	}
	if !s.up {
		interval = min(interval, pollInterval)
	}
	now := s.client.now()
	if !s.urgent {
		wait = s.lease.from + interval - now
	}
	wait = max(wait, time.Until(notBefore))
	if wait <= 0 {
		return true, 0
	}
	if s.lease.length > 0 && !s.lease.lost {
		wait = min(wait, max(s.lease.from+s.lease.length-now, 0))
	}
	return false, wait
}

// heartbeat makes one round trip. False: it was in vain.
func (s *Session) heartbeat() bool {
	timeout := attemptTimeout
	s.mu.Lock()
	s.urgent = false
	if s.lease.length > 0 && !s.lease.lost {
		timeout = min(timeout, max(s.lease.from+s.lease.length-s.client.now(), time.Millisecond))
	}
	s.mu.Unlock()
	var answer *v1.HeartbeatResponse
	var sent time.Duration
	err := s.client.attempt(s.client.ctx, timeout, func(ctx context.Context, at time.Duration) (err error) {
		sent = at
		answer, err = s.client.sessions.Heartbeat(ctx, &v1.HeartbeatRequest{SessionId: s.id})
		return err
	})
	if err != nil {
		s.inVain(err)
		return false
	}
	s.denials = 0
	s.client.outage.over()
	s.client.watch.answered()
	s.learn(answer.GetSession(), fromReply)
	s.renew(sent, answer.GetSession().GetStatus())
	return true
}

func (s *Session) inVain(err error) {
	switch failure := s.client.translate(err); {
	case s.client.ctx.Err() != nil || s.stop.Load() != nil:
	case denied(failure):
		// A revocation is not one moment with the stops that it brings about: a credential that was
		// refused may hear of its stop when it asks once more.
		if s.denials++; s.denials > 1 {
			s.lose(StopAccessDenied, failure)
			return
		}
		s.beatNow()
	case status.Code(err) == codes.NotFound:
		s.lose(StopSessionNotFound, failure)
	default:
		s.client.outage.failed(err)
	}
}

// lose stops a run that no stop could reach any more.
func (s *Session) lose(reason StopReason, cause error) {
	s.halt(&SessionTerminated{
		SessionID: s.id, Status: StatusKilled, StopReason: reason, Reason: cause.Error(), cause: cause,
	}, aloud)
}

// beatNow asks for the state at once.
func (s *Session) beatNow() {
	s.mu.Lock()
	s.urgent = true
	s.mu.Unlock()
	s.wakeBeat()
}

func (s *Session) wakeBeat() {
	select {
	case s.beating <- struct{}{}:
	default:
	}
}

// fell notes that no stream tells of the session any more.
func (s *Session) fell(generation uint64) {
	s.mu.Lock()
	if s.generation == generation {
		s.up = false
	}
	s.mu.Unlock()
	s.wakeBeat()
}
