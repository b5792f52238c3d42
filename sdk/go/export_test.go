package killcord

import "time"

// SetClock lets a test say what time it is for leases, from now on.
func (c *Client) SetClock(now func() time.Duration) { c.now = now }

// Elapsed is the clock that a client has by itself.
var Elapsed = elapsed

// Renewed is when the last round trip of the session that was answered was sent.
func (s *Session) Renewed() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lease.from
}

// Watched tells whether the watch tells of the session.
func (s *Session) Watched() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.up
}

// BeatNow asks for the session's state at once.
func (s *Session) BeatNow() { s.beatNow() }

// Settled waits until the watch has taken in that sessions have started.
func (c *Client) Settled() {
	for len(c.watch.changed) > 0 {
		time.Sleep(time.Millisecond)
	}
}
