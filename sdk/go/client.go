package killcord

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	v1 "killcord.example/killcord/gen/killcord/v1"
)

// Client is a connection to a server, with one watch over all sessions that were started on it. It
// may be used by many goroutines at once.
type Client struct {
	options     Options
	log         *slog.Logger
	now         func() time.Duration
	line        *line
	conn        *grpc.ClientConn
	road        *road
	sessions    v1.SessionServiceClient
	enforcement v1.EnforcementServiceClient
	escalations v1.EscalationServiceClient
	watch       *watch
	outage      outage

	// ctx ends with the client; background is what must have ended by then.
	ctx        context.Context
	cancel     context.CancelFunc
	mu         sync.Mutex
	closed     bool
	background sync.WaitGroup
}

// NewClient makes a client. It connects with the first call.
func NewClient(options Options) (*Client, error) {
	settled, err := options.settled()
	if err != nil {
		return nil, err
	}
	address, security, err := settled.endpoint()
	if err != nil {
		return nil, err
	}
	c := &Client{options: settled, log: settled.Logger, now: elapsed}
	c.line = &line{now: func() time.Duration { return c.now() }, open: map[*wire]struct{}{}}
	c.outage = outage{log: c.log, url: settled.URL}
	c.conn, err = grpc.NewClient("passthrough:///"+address, append([]grpc.DialOption{
		grpc.WithTransportCredentials(security),
		grpc.WithPerRPCCredentials(calling{settled.KeySource}),
		grpc.WithContextDialer(c.line.dial),
		// Every repeat connects at once, at its own, jittered times.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: firstPause, Multiplier: 2, Jitter: 1, MaxDelay: lastPause},
			MinConnectTimeout: 2 * time.Second,
		}),
		// The connection lives as long as the client: a first call after an idle hour is as fast as any.
		grpc.WithIdleTimeout(0),
	}, settled.DialOptions...)...)
	if err != nil {
		return nil, fmt.Errorf("killcord: %w", err)
	}
	c.road = newRoad(c)
	c.sessions = v1.NewSessionServiceClient(c.road)
	c.enforcement = v1.NewEnforcementServiceClient(c.road)
	c.escalations = v1.NewEscalationServiceClient(c.road)
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.watch = newWatch(c)
	return c, nil
}

// ErrClientClosed is what a call on a closed client returns.
var ErrClientClosed = errors.New("killcord: the client is closed")

// Conn is the connection, for calls of the API that this package does not wrap, with the stubs in
// killcord.example/killcord/gen/killcord/v1. It ends with the client.
func (c *Client) Conn() *grpc.ClientConn { return c.conn }

// Close closes the sessions that are still open, as Session.Close does, and then the connection. No
// goroutine of the client is left when it returns.
func (c *Client) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	c.mu.Unlock()
	var closing sync.WaitGroup
	failures := make([]error, 0)
	var mu sync.Mutex
	for _, session := range c.watch.all() {
		closing.Go(func() {
			if err := session.Close(); err != nil {
				mu.Lock()
				failures = append(failures, err)
				mu.Unlock()
			}
		})
	}
	closing.Wait()
	c.mu.Lock()
	c.cancel()
	c.mu.Unlock()
	c.background.Wait()
	c.road.web.CloseIdleConnections()
	return errors.Join(append(failures, c.conn.Close())...)
}

func (c *Client) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// spawn runs work of the client's own until the client ends. False: it has ended already.
func (c *Client) spawn(work func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx.Err() != nil {
		return false
	}
	c.background.Go(work)
	return true
}

// outage says once that the server is gone, and once that it is back.
type outage struct {
	log *slog.Logger
	url string
	mu  sync.Mutex
	on  bool
}

func (o *outage) failed(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.on {
		o.on = true
		o.log.Warn("killcord: the server cannot be reached; trying on, and allowing nothing meanwhile",
			"url", o.url, "error", err)
	}
}

func (o *outage) over() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.on {
		o.on = false
		o.log.Info("killcord: the server answers again", "url", o.url)
	}
}
