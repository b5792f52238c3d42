package killcord

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	v1 "killcord.example/killcord/gen/killcord/v1"
)

const (
	// firstWithin is how long a new stream may keep silent. Proxies that gather whole replies do it for
	// ever.
	firstWithin = 10 * time.Second
	// silentAfter is three of the longest times between two bookmarks.
	silentAfter = 45 * time.Second
)

// stream is one call of WatchSessions.
type stream struct {
	generation uint64
	members    map[string]struct{}
	cancel     context.CancelFunc
	token      atomic.Pointer[string]
	// ready: its snapshot is complete; leaving: another must take its place, as when the server is about
	// to end it; silent: it was cut for saying nothing.
	ready, leaving, silent atomic.Bool
}

// news of a stream, for run.
type news struct {
	stream *stream
	kind   streamNews
	err    error // of streamEnded; nil when the server ended it in order
}

type streamNews int

const (
	streamReady streamNews = iota + 1
	streamDraining
	streamEnded
)

func (s *stream) lastToken() string {
	if token := s.token.Load(); token != nil {
		return *token
	}
	return ""
}

// start opens a stream on these sessions.
func (w *watch) start(ids []string, generation uint64, token string) *stream {
	ctx, cancel := context.WithCancel(w.client.ctx)
	s := &stream{generation: generation, cancel: cancel, members: make(map[string]struct{}, len(ids))}
	s.token.Store(&token)
	for _, id := range ids {
		s.members[id] = struct{}{}
	}
	w.client.spawn(func() {
		defer cancel()
		err := w.read(ctx, s, &v1.WatchSessionsRequest{SessionIds: ids, ResumeToken: token})
		w.tell(news{s, streamEnded, err})
	})
	return s
}

// read takes everything in that a stream says.
func (w *watch) read(ctx context.Context, s *stream, request *v1.WatchSessionsRequest) error {
	silence := time.AfterFunc(firstWithin, func() {
		s.silent.Store(true)
		s.cancel()
	})
	defer silence.Stop()
	w.client.conn.ResetConnectBackoff()
	call, err := w.client.sessions.WatchSessions(ctx, request)
	if err != nil {
		return err
	}
	for {
		message, err := call.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			w.client.cutIfSilent(s)
			return err
		}
		silence.Reset(silentAfter)
		w.take(s, message)
	}
}

func (w *watch) take(s *stream, message *v1.WatchSessionsResponse) {
	if session := message.GetSession(); session != nil {
		if known := w.find(session.GetSessionId()); known != nil {
			known.learn(session, origin(s.generation))
		}
	}
	if token := message.GetResumeToken(); token != "" {
		s.token.Store(&token)
	}
	if bookmark := message.GetBookmark(); bookmark != nil {
		if !s.ready.Swap(true) {
			w.tell(news{stream: s, kind: streamReady})
		}
		if bookmark.GetDraining() {
			s.leaving.Store(true)
			w.tell(news{stream: s, kind: streamDraining})
		}
	}
}

func (w *watch) tell(told news) {
	select {
	case w.heard <- told:
	case <-w.client.ctx.Done():
	}
}

// cutIfSilent lets go of connections that brought nothing for as long as the stream was waited for.
func (c *Client) cutIfSilent(s *stream) {
	if s.silent.Load() {
		c.line.cutSilent(c.now() - firstWithin)
	}
}
