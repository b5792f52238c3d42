package killcord

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// line is what the client knows of its network connections. gRPC takes minutes to find out that the
// other side has silently gone; a lease has seconds, so a call that went unanswered on a connection
// that said nothing since cuts it, and the next call makes another.
type line struct {
	now  func() time.Duration
	mu   sync.Mutex
	open map[*wire]struct{}
}

// wire is one connection; heard is when it last brought anything.
type wire struct {
	net.Conn
	line  *line
	heard atomic.Int64
}

func (l *line) dial(ctx context.Context, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	w := &wire{Conn: conn, line: l}
	w.heard.Store(int64(l.now()))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[w] = struct{}{}
	return w, nil
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if n > 0 {
		w.heard.Store(int64(w.line.now()))
	}
	return n, err
}

func (w *wire) Close() error {
	w.line.mu.Lock()
	delete(w.line.open, w)
	w.line.mu.Unlock()
	return w.Conn.Close()
}

// cutSilent closes the connections that brought nothing since then.
func (l *line) cutSilent(since time.Duration) {
	l.mu.Lock()
	var silent []*wire
	for w := range l.open {
		if time.Duration(w.heard.Load()) < since {
			silent = append(silent, w)
		}
	}
	l.mu.Unlock()
	for _, w := range silent {
		_ = w.Close()
	}
}
