package killcord_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	health "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"killcord.example/killcord"
)

// remote is somebody's service, whose calls of "slow" take as long as their callers let them.
type remote struct {
	health.UnimplementedHealthServer
	working chan struct{}
	ended   chan error
}

func (r *remote) Check(ctx context.Context, request *health.HealthCheckRequest) (*health.HealthCheckResponse, error) {
	if request.GetService() == "slow" {
		close(r.working)
		<-ctx.Done()
		r.ended <- ctx.Err()
	}
	return &health.HealthCheckResponse{Status: health.HealthCheckResponse_SERVING}, nil
}

func (r *remote) Watch(request *health.HealthCheckRequest, stream grpc.ServerStreamingServer[health.HealthCheckResponse]) error {
	if err := stream.Send(&health.HealthCheckResponse{}); err != nil || request.GetService() != "slow" {
		return err
	}
	<-stream.Context().Done()
	r.ended <- stream.Context().Err()
	return nil
}

func newRemote(t *testing.T, calls killcord.Calls) (*remote, health.HealthClient) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &remote{working: make(chan struct{}), ended: make(chan error, 1)}
	server := grpc.NewServer()
	health.RegisterHealthServer(server, r)
	go server.Serve(listener)
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithChainUnaryInterceptor(killcord.UnaryClientInterceptor(calls)),
		grpc.WithChainStreamInterceptor(killcord.StreamClientInterceptor(calls)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		server.Stop()
	})
	return r, health.NewHealthClient(conn)
}

func TestEachCallOfAnotherServiceIsAskedForAndStopped(t *testing.T) {
	t.Parallel()
	c, _ := client(t, common, killcord.Options{})
	session := start(t, c, killcord.StartOptions{Budgets: killcord.Budgets{MaxActions: killcord.Limit(2)}})
	r, remote := newRemote(t, killcord.Calls{})
	ctx := killcord.NewContext(context.Background(), session)
	if _, err := remote.Check(ctx, &health.HealthCheckRequest{}); err != nil {
		t.Fatal(err)
	}
	failed := make(chan error)
	go func() {
		_, err := remote.Check(ctx, &health.HealthCheckRequest{Service: "slow"})
		failed <- err
	}()
	receive(t, "the call at work", r.working)
	_, over := remote.Check(ctx, &health.HealthCheckRequest{})
	for _, err := range []error{over, receive(t, "the end of the call", failed)} {
		if stop, stopped := killcord.Stopped(err); !stopped || stop.StopReason != "budget_exceeded" || status.Code(err) != codes.Aborted {
			t.Error(err)
		}
	}
	receive(t, "its end at the service", r.ended)
	common.sealed(t, "enforcement_decision", session.ID(), `"grpc:/grpc.health.v1.Health/Check"`)
	session.Close()
	common.sealed(t, "halt_confirmed", session.ID())
}

func TestAStreamOfAnotherServiceEndsWithTheRun(t *testing.T) {
	t.Parallel()
	c, _ := client(t, common, killcord.Options{})
	session := start(t, c, killcord.StartOptions{})
	r, remote := newRemote(t, killcord.Calls{Session: session})
	short, err := remote.Watch(context.Background(), &health.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := short.Recv(); err != nil {
		t.Fatal(err)
	}
	if _, err := short.Recv(); err != io.EOF {
		t.Fatal(err)
	}
	stream, err := remote.Watch(context.Background(), &health.HealthCheckRequest{Service: "slow"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	common.kill(t, session.ID(), "enough")
	_, err = stream.Recv()
	if stop, stopped := killcord.Stopped(err); !stopped || stop.Reason != "enough" {
		t.Fatal(err)
	}
	receive(t, "its end at the service", r.ended)
	if _, err := remote.Watch(context.Background(), &health.HealthCheckRequest{}); err == nil {
		t.Fatal("opened after the stop")
	}
	session.Close()
	common.sealed(t, "halt_confirmed", session.ID())
}

func TestACallWithoutASessionIsRefused(t *testing.T) {
	t.Parallel()
	_, remote := newRemote(t, killcord.Calls{})
	if _, err := remote.Check(context.Background(), &health.HealthCheckRequest{}); status.Code(err) != codes.FailedPrecondition {
		t.Fatal(err)
	}
	if _, err := remote.Watch(context.Background(), &health.HealthCheckRequest{}); status.Code(err) != codes.FailedPrecondition {
		t.Fatal(err)
	}
}

func TestAnHTTPRequestEndsWithTheRun(t *testing.T) {
	t.Parallel()
	c, _ := client(t, common, killcord.Options{})
	session := start(t, c, killcord.StartOptions{})
	ended := make(chan struct{})
	site := httptest.NewServer(http.HandlerFunc(func(reply http.ResponseWriter, request *http.Request) {
		fmt.Fprintln(reply, "begun")
		reply.(http.Flusher).Flush()
		if request.URL.Path == "/slow" {
			<-request.Context().Done()
			close(ended)
		}
	}))
	defer site.Close()
	asks := func(request *http.Request) (killcord.Action, bool) {
		return killcord.Action{Type: "http:" + request.Method, Content: request.URL.String()}, request.URL.Path != "/free"
	}
	web := &http.Client{Transport: &killcord.Transport{Session: session, Ask: asks}}
	for _, path := range []string{"/free", "/asked"} {
		response, err := web.Get(site.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(response.Body); err != nil || string(text) != "begun\n" {
			t.Fatal(string(text), err)
		}
		response.Body.Close()
	}
	response, err := web.Get(site.URL + "/slow")
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan error)
	go func() {
		_, err := io.ReadAll(response.Body)
		response.Body.Close()
		read <- err
	}()
	common.kill(t, session.ID(), "enough")
	if stop, stopped := killcord.Stopped(receive(t, "the end of the body", read)); !stopped || stop.Reason != "enough" {
		t.Fatal(stop)
	}
	receive(t, "the end at the site", ended)
	if _, err := web.Post(site.URL+"/free", "text/plain", strings.NewReader("late")); !errors.As(err, new(*killcord.SessionTerminated)) {
		t.Fatal(err)
	}
	session.Close()
	common.sealed(t, "halt_confirmed", session.ID())
	// /asked and /slow, and not /free.
	if asked := common.count(t, "enforcement_decision", session.ID(), "http:GET"); asked != 2 {
		t.Fatalf("asked %d times", asked)
	}
	web.CloseIdleConnections()
}

func TestAToolAsksWithItsArgumentsAndGivesNoResultAfterTheStop(t *testing.T) {
	t.Parallel()
	type transfer struct {
		To     string `json:"to"`
		Amount int    `json:"amount"`
	}
	c, _ := client(t, common, killcord.Options{})
	session := start(t, c, killcord.StartOptions{})
	own := errors.New("no such account")
	late := false
	pay := killcord.Tool(session, "transfer_funds", func(ctx context.Context, in transfer) (string, error) {
		if found, ok := killcord.FromContext(ctx); !ok || found != session {
			t.Error("the tool does not find its session")
		}
		if late {
			common.kill(t, session.ID(), "while it worked on")
			<-ctx.Done()
		}
		if in.To == "" {
			return "", own
		}
		return fmt.Sprint(in.To, " has ", in.Amount), nil
	})
	if out, err := pay(context.Background(), transfer{"bob", 5}); err != nil || out != "bob has 5" {
		t.Fatal(out, err)
	}
	if _, err := pay(context.Background(), transfer{}); err != own {
		t.Fatal(err)
	}
	late = true
	out, err := pay(context.Background(), transfer{"bob", 6})
	if _, stopped := killcord.Stopped(err); !stopped || out != "" {
		t.Fatal(out, err)
	}
	unsayable := killcord.Tool(session, "x", func(context.Context, chan int) (int, error) { panic("called") })
	var unsupported *json.UnsupportedTypeError
	if _, err := unsayable(context.Background(), nil); !errors.As(err, &unsupported) {
		t.Fatal(err)
	}
}

func TestABoundContextEndsWithEitherOfTheTwo(t *testing.T) {
	t.Parallel()
	c, _ := client(t, common, killcord.Options{})
	session := start(t, c, killcord.StartOptions{})
	why := errors.New("the caller's own")
	outer, end := context.WithCancelCause(context.Background())
	bound, cancel := session.Bind(outer)
	defer cancel()
	end(why)
	if context.Cause(bound) != why {
		t.Fatal(context.Cause(bound))
	}
	running, cancel := session.Bind(context.Background())
	defer cancel()
	common.kill(t, session.ID(), "enough")
	receive(t, "the end of the bound context", running.Done())
	late, cancel := session.Bind(context.Background())
	defer cancel()
	for _, ctx := range []context.Context{running, late} {
		if _, stopped := killcord.Stopped(context.Cause(ctx)); !stopped {
			t.Error(context.Cause(ctx))
		}
	}
}
