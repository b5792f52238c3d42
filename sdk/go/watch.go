package killcord

import (
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	// gather is how long the watch waits for more sessions before it opens again for new ones, and
	// gatherEach what each that it tells of already adds: a snapshot tells all of them again.
	gather     = 20 * time.Millisecond
	gatherEach = 100 * time.Microsecond
	// streamless is how long nobody tries to open a stream again that the way to the server does not
	// let through.
	streamless = 30 * time.Second
	// maxWatched are the ids that one stream may have. Heartbeats tell of the sessions beyond.
	maxWatched = 10_000
	// vain are the failures in a row after which it is said that streams are impossible.
	vain = 3
)

// watch is the one stream of the client that tells of all its sessions. It opens again for new ones
// before it lets go of the old, and when it is cut.
type watch struct {
	client   *Client
	changed  chan struct{}
	mu       sync.Mutex
	sessions map[string]*Session
	running  bool
	// failures since a stream last came up; barred, whether the way lets none through; said, whether
	// it was told that heartbeats do its work.
	failures int
	barred   bool
	said     bool

	// These are run's alone.
	token      string
	generation uint64
	current    *stream // tells of everything it was opened for
	opening    *stream // its snapshot is not complete yet
	heard      chan news
	timer      *time.Timer
}

func newWatch(c *Client) *watch {
	return &watch{client: c, changed: make(chan struct{}, 1), sessions: map[string]*Session{}, heard: make(chan news)}
}

func (w *watch) all() []*Session {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make([]*Session, 0, len(w.sessions))
	for _, session := range w.sessions {
		all = append(all, session)
	}
	return all
}

func (w *watch) find(id string) *Session {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sessions[id]
}

// add watches one more session. False: the client is closed.
func (w *watch) add(s *Session) bool {
	if w.client.isClosed() {
		return false
	}
	w.mu.Lock()
	w.sessions[s.id] = s
	first := !w.running
	w.running = true
	w.mu.Unlock()
	if first {
		return w.client.spawn(w.run)
	}
	select {
	case w.changed <- struct{}{}:
	default:
	}
	return true
}

func (w *watch) remove(s *Session) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sessions[s.id] == s {
		delete(w.sessions, s.id)
	}
}

// run opens the streams, one after the other, until the client ends.
func (w *watch) run() {
	w.timer = time.NewTimer(0)
	defer w.timer.Stop()
	for {
		select {
		case <-w.client.ctx.Done():
			return
		case <-w.changed:
			if w.opening == nil && !w.isBarred() {
				w.gather()
			}
		case <-w.timer.C:
			w.open()
		case told := <-w.heard:
			w.hear(told)
		}
	}
}

// gather waits for more sessions that begin at the same time.
func (w *watch) gather() {
	known := 0
	if w.current != nil {
		known = len(w.current.members)
	}
	w.timer.Reset(gather + time.Duration(known)*gatherEach)
}

// open asks for the sessions that there are now, beside the stream that may run.
func (w *watch) open() {
	if w.opening != nil {
		return
	}
	ids := make([]string, 0)
	for _, session := range w.all() {
		if session.wantsWatch() {
			ids = append(ids, session.id)
		}
	}
	if len(ids) == 0 || w.current != nil && !w.current.leaving.Load() && !w.outgrown(w.current) {
		return
	}
	if w.current != nil {
		w.token = w.current.lastToken()
	}
	w.generation++
	w.opening = w.start(ids[:min(len(ids), maxWatched)], w.generation, w.token)
}

func (w *watch) hear(told news) {
	s := told.stream
	switch {
	case told.kind == streamReady && s == w.opening:
		if w.current != nil {
			w.current.cancel()
		}
		w.current, w.opening = s, nil
		w.up()
		if w.outgrown(s) {
			w.gather()
		}
	case told.kind == streamDraining && s == w.current:
		w.timer.Reset(pause(4))
	case told.kind == streamEnded:
		w.fell(s)
		switch s {
		case w.opening:
			w.opening = nil
			if w.current != nil {
				// Of what the new one has told already, the old one is not believed any more.
				w.current.leaving.Store(true)
			}
		case w.current:
			w.current, w.token = nil, s.lastToken()
			if w.opening != nil {
				return
			}
		default:
			return
		}
		w.ended(s, told.err)
	}
}

// ended decides when to try again, and what the end of a stream means for the sessions.
func (w *watch) ended(s *stream, err error) {
	w.mu.Lock()
	w.failures++
	failures := w.failures
	w.barred = s.silent.Load() && !s.ready.Load() || status.Code(err) == codes.Unimplemented ||
		w.client.road.plain.Load() && status.Code(err) == codes.Unavailable
	barred := w.barred
	w.mu.Unlock()
	switch code := status.Code(err); {
	case barred:
		w.timer.Reset(streamless)
		return
	case code == codes.Unauthenticated, code == codes.PermissionDenied, code == codes.NotFound:
		// One session may be the reason for all. A heartbeat of each finds out: that of a revoked
		// credential still hears of the stop.
		for _, session := range w.all() {
			session.beatNow()
		}
	case code == codes.DataLoss:
		w.token = ""
		w.client.log.Warn("killcord: the server has less in its log than it had, or is another one; watching anew",
			"error", w.client.translate(err))
	case err != nil && failures > 1:
		w.client.outage.failed(err)
	}
	w.timer.Reset(pause(failures - 1))
}

func (w *watch) up() {
	w.mu.Lock()
	back := w.said
	w.failures, w.barred, w.said = 0, false, false
	w.mu.Unlock()
	w.client.outage.over()
	w.client.road.open()
	if back {
		w.client.log.Info("killcord: the watch is up again")
	}
}

// answered is told of each heartbeat that came back: one that does while streams do not says that it
// is the streams that are impossible, and not the server that is gone.
func (w *watch) answered() {
	w.mu.Lock()
	say := !w.said && (w.barred || w.failures >= vain)
	w.said = w.said || say
	w.mu.Unlock()
	if say {
		w.client.log.Warn("killcord: no stream comes through to here; heartbeats ask for stops, each second at most")
	}
}

func (w *watch) isBarred() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.barred
}

func (w *watch) fell(s *stream) {
	for id := range s.members {
		if session := w.find(id); session != nil {
			session.fell(s.generation)
		}
	}
}

// outgrown tells whether there are sessions that the stream was not opened for.
func (w *watch) outgrown(s *stream) bool {
	for _, session := range w.all() {
		if _, told := s.members[session.id]; !told && session.wantsWatch() {
			return len(s.members) < maxWatched
		}
	}
	return false
}

// wantsWatch: its stop is not known yet, or not what the server calls it.
func (s *Session) wantsWatch() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	stop := s.stop.Load()
	return stop == nil || stop.StopReason == StopLeaseLost && s.haltID == ""
}
