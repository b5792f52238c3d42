package killcord

import (
	"log/slog"
	"sync"
)

// EventKind is what happened to a session.
type EventKind int

// The kinds of events.
const (
	// EventStop: the run must stop. Told once.
	EventStop EventKind = iota + 1
	// EventPause: the run is held.
	EventPause
	// EventResume: it goes on.
	EventResume
	// EventWarning: a verdict or a settlement came with a warning; the run goes on.
	EventWarning
)

// Event is something that happened to a session.
type Event struct {
	Kind      EventKind
	SessionID string
	Reason    string             // text for people; empty for a resume
	Stop      *SessionTerminated // for EventStop
	PolicyID  string             // for EventWarning: which policy warns, "__soft_limit" for a share of a budget that is used
}

// maxEvents wait for a listener that takes its time; of older ones only the newest are told.
const maxEvents = 256

// events calls listeners one event after the other, outside of all locks.
type events struct {
	log       *slog.Logger
	mu        sync.Mutex
	listeners []func(Event)
	waiting   []Event
	said      map[Warning]struct{}
	draining  bool
}

// warn tells a warning, and logs what nobody listens to, each once.
func (e *events) warn(session string, warning Warning) {
	e.mu.Lock()
	_, said := e.said[warning]
	say := len(e.listeners) == 0 && !said && len(e.said) < maxEvents
	if say {
		if e.said == nil {
			e.said = map[Warning]struct{}{}
		}
		e.said[warning] = struct{}{}
	}
	e.mu.Unlock()
	if say {
		e.log.Warn("killcord: "+warning.Message, "session", session, "policy", warning.PolicyID)
	}
	e.push(Event{Kind: EventWarning, SessionID: session, Reason: warning.Message, PolicyID: warning.PolicyID})
}

func (e *events) listen(listener func(Event)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.listeners = append(e.listeners, listener)
}

func (e *events) push(event Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.listeners) == 0 {
		return
	}
	e.waiting = append(e.waiting, event)
	if len(e.waiting) > maxEvents {
		e.waiting = e.waiting[len(e.waiting)-maxEvents:]
	}
	if !e.draining {
		e.draining = true
		go e.drain()
	}
}

func (e *events) drain() {
	for {
		e.mu.Lock()
		if len(e.waiting) == 0 {
			e.draining = false
			e.mu.Unlock()
			return
		}
		event, listeners := e.waiting[0], e.listeners
		e.waiting = e.waiting[1:]
		e.mu.Unlock()
		for _, listener := range listeners {
			guarded(e.log, event.SessionID, func() { listener(event) })
		}
	}
}

// guarded calls into the agent's code: its panic is logged and changes nothing.
func guarded(log *slog.Logger, session string, call func()) {
	defer func() {
		if problem := recover(); problem != nil {
			log.Error("killcord: a callback panicked", "session", session, "panic", problem)
		}
	}()
	call()
}
