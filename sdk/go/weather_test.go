package killcord_test

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
)

// weather is a proxy between client and server, which does what networks do.
type weather struct {
	listener net.Listener
	to       string
	url      string
	mu       sync.Mutex
	sky      sky
	open     map[net.Conn]*flow
	accepted atomic.Int64
	ending   sync.WaitGroup
}

type sky int

const (
	clear   sky = iota
	refused     // connections end at once
	stuck       // connections are accepted, and bring nothing, either way
)

// flow is a connection through it; held while its gate is shut.
type flow struct {
	mu   sync.Mutex
	cond *sync.Cond
	shut bool
	gone bool
}

func newWeather(t *testing.T, to string) *weather {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &weather{listener: listener, to: to, url: "http://" + listener.Addr().String(), open: map[net.Conn]*flow{}}
	w.ending.Go(w.accept)
	t.Cleanup(func() {
		listener.Close()
		w.cut()
		w.ending.Wait()
	})
	return w
}

func (w *weather) accept() {
	for {
		conn, err := w.listener.Accept()
		if err != nil {
			return
		}
		w.accepted.Add(1)
		w.mu.Lock()
		now := w.sky
		if now == refused {
			w.mu.Unlock()
			conn.Close()
			continue
		}
		f := &flow{shut: now == stuck}
		f.cond = sync.NewCond(&f.mu)
		w.open[conn] = f
		w.mu.Unlock()
		w.ending.Go(func() { w.carry(conn, f) })
	}
}

func (w *weather) carry(conn net.Conn, f *flow) {
	defer func() {
		w.mu.Lock()
		delete(w.open, conn)
		w.mu.Unlock()
		conn.Close()
	}()
	far, err := net.Dial("tcp", w.to)
	if err != nil {
		return
	}
	var both sync.WaitGroup
	pass := func(to, from net.Conn) {
		buffer := make([]byte, 32<<10)
		for {
			n, err := from.Read(buffer)
			if !f.pass() || n > 0 && write(to, buffer[:n]) != nil || err != nil {
				// One side's end is the other's, half by half.
				if half, ok := to.(*net.TCPConn); ok && err == io.EOF {
					half.CloseWrite()
				} else {
					to.Close()
				}
				return
			}
		}
	}
	both.Go(func() { pass(far, conn) })
	both.Go(func() { pass(conn, far) })
	both.Wait()
	far.Close()
}

func write(to net.Conn, p []byte) error {
	_, err := to.Write(p)
	return err
}

// pass waits at the gate.
func (f *flow) pass() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.shut && !f.gone {
		f.cond.Wait()
	}
	return !f.gone
}

// turn changes what happens to connections that come.
func (w *weather) turn(to sky) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sky = to
}

// hold keeps what the open connections say, for ever: their sides see nothing of it.
func (w *weather) hold() { w.each(func(f *flow) { f.shut = true }) }

// cut ends the open connections.
func (w *weather) cut() {
	w.each(func(f *flow) { f.gone = true })
	w.mu.Lock()
	defer w.mu.Unlock()
	for conn := range w.open {
		conn.Close()
	}
}

func (w *weather) each(do func(*flow)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.open {
		f.mu.Lock()
		do(f)
		f.cond.Broadcast()
		f.mu.Unlock()
	}
}

// calls counts the calls that a client makes, by the name of their method.
type calls struct {
	mu   sync.Mutex
	made map[string]int
}

func (c *calls) note(method string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.made == nil {
		c.made = map[string]int{}
	}
	c.made[method[strings.LastIndex(method, "/")+1:]]++
}

func (c *calls) of(method string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.made[method]
}

// options of a client whose calls are counted.
func (c *calls) options() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
			c.note(method)
			return invoke(ctx, method, request, reply, conn, options...)
		}),
		grpc.WithChainStreamInterceptor(func(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, options ...grpc.CallOption) (grpc.ClientStream, error) {
			c.note(method)
			return open(ctx, desc, conn, method, options...)
		}),
	}
}

// altered lets a test answer a unary call in the server's place, or change the answer.
func altered(method string, alter func(ctx context.Context, reply any, invoke func() error) error) grpc.DialOption {
	return grpc.WithChainUnaryInterceptor(func(ctx context.Context, name string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
		if !strings.HasSuffix(name, "/"+method) {
			return invoke(ctx, name, request, reply, conn, options...)
		}
		return alter(ctx, reply, func() error { return invoke(ctx, name, request, reply, conn, options...) })
	})
}

// opened does the same for a stream.
func opened(method string, alter func(ctx context.Context, open func(context.Context) (grpc.ClientStream, error)) (grpc.ClientStream, error)) grpc.DialOption {
	return grpc.WithChainStreamInterceptor(func(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, name string, open grpc.Streamer, options ...grpc.CallOption) (grpc.ClientStream, error) {
		through := func(ctx context.Context) (grpc.ClientStream, error) {
			return open(ctx, desc, conn, name, options...)
		}
		if !strings.HasSuffix(name, "/"+method) {
			return through(ctx)
		}
		return alter(ctx, through)
	})
}
