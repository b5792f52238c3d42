package killcord

import (
	"cmp"
	"fmt"
	"log/slog"

	v1 "killcord.example/killcord/gen/killcord/v1"
)

// origin is where a state comes from: a stream of the watch, by its generation, or a reply.
type origin uint64

const fromReply origin = 0

// learn takes a state in. States only advance: a terminal one is final, whatever comes from where.
// Between held and active the newest stream of the watch decides; a reply counts while none runs,
// since it may have been overtaken on its way.
func (s *Session) learn(state *v1.Session, from origin) {
	if terminal(state.GetStatus()) {
		s.mu.Lock()
		if !terminal(s.state.GetStatus()) {
			s.state = state
		}
		s.mu.Unlock()
		s.halt(stopOf(state), aloud)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop.Load() != nil {
		return
	}
	if from == fromReply && s.up || from != fromReply && uint64(from) < s.generation {
		return
	}
	if from != fromReply {
		s.generation, s.up = uint64(from), true
	}
	s.state = state
	switch state.GetStatus() {
	case v1.SessionStatus_SESSION_STATUS_ACTIVE:
		s.pausedByServer = ""
	case v1.SessionStatus_SESSION_STATUS_PAUSED:
		s.pausedByServer = cmp.Or(state.GetPauseReason(), "paused by operator")
	default:
		// A newer server's: fail closed.
		s.pausedByServer = fmt.Sprintf("this client does not know the status %q: bring it up to date", statusOf(state.GetStatus()))
	}
	s.settleHold()
}

// settleHold follows what holds the session. The lock is held.
func (s *Session) settleHold() {
	reason := cmp.Or(s.pausedByServer, s.pausedByLease)
	before := s.held.Load()
	if reason == "" {
		if before != nil {
			s.held.Store(nil)
			s.wake()
			s.events.push(Event{Kind: EventResume, SessionID: s.id})
		}
		return
	}
	if before == nil || before.Reason != reason {
		s.held.Store(newPaused(s.id, "", "", reason))
		s.wake()
		s.events.push(Event{Kind: EventPause, SessionID: s.id, Reason: reason})
	}
}

// wake lets everyone look again who waits for a change. The lock is held.
func (s *Session) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

func stopOf(state *v1.Session) *SessionTerminated {
	status := statusOf(state.GetStatus())
	return &SessionTerminated{
		SessionID:  state.GetSessionId(),
		Status:     status,
		StopReason: reasonOf(state.GetStopReason()),
		Reason:     cmp.Or(state.GetKillReason(), string(status)),
		HaltID:     state.GetHaltId(),
	}
}

// manner is whether a stop is told.
type manner bool

const (
	aloud   manner = true
	quietly manner = false // the run's own end
)

// halt ends the run, once: its context first, before anything that may wait. A stop that only the
// client knew of gets its order's id from the server's later; one that came before the run's own end
// takes that one's place.
func (s *Session) halt(stop *SessionTerminated, how manner) {
	s.mu.Lock()
	before := s.stop.Load()
	overtaken := before != nil && before.Status == StatusEnded && stop.Status != StatusEnded
	if before == nil || overtaken {
		s.stop.Store(stop)
	} else if before.HaltID == "" && stop.HaltID != "" && before.Status != StatusEnded {
		known := *before
		known.HaltID = stop.HaltID
		s.stop.Store(&known)
	}
	if s.haltID == "" && stop.HaltID != "" && s.stop.Load().Status != StatusEnded {
		s.haltID = stop.HaltID
		close(s.haltKnown)
	}
	if before == nil {
		s.wake()
		// A heartbeat of a run that has stopped would keep its lease on the server.
		close(s.over)
	}
	s.mu.Unlock()
	s.cancel(stop)
	if how == quietly || (before != nil && !overtaken) {
		return
	}
	s.client.log.LogAttrs(s.client.ctx, slog.LevelWarn, "killcord: the run must stop", slog.String("session", s.id),
		slog.String("stop", stop.Error()))
	s.events.push(Event{Kind: EventStop, SessionID: s.id, Reason: stop.Reason, Stop: stop})
	if !s.client.spawn(func() { s.acknowledge(stop) }) {
		close(s.settled)
	}
	s.client.spawn(func() { s.windDown(stop) })
}
