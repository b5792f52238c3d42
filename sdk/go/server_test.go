package killcord_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"killcord.example/killcord"
	v1 "killcord.example/killcord/gen/killcord/v1"
)

// soon is how long anything may take on a machine that is busy with other things. No test waits for
// it to pass.
const soon = 20 * time.Second

// common is the server of the tests that do nothing to it.
var common *server

func TestMain(m *testing.M) {
	for _, setting := range os.Environ() {
		if name, _, _ := strings.Cut(setting, "="); strings.HasPrefix(name, "KILLCORD_") {
			os.Unsetenv(name)
		}
	}
	environment = os.Environ()
	folder, err := os.MkdirTemp("", "killcord-go-")
	if err == nil {
		common, err = newServer(folder)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Setenv("KILLCORD_URL", common.url)
	os.Setenv("KILLCORD_API_KEY", common.agentKey())
	status := m.Run()
	common.close()
	os.RemoveAll(folder)
	if err := goleak.Find(goleak.IgnoreCurrent()); err != nil && status == 0 {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

// environment is the server's: nothing that a client reads is in it.
var environment []string

// server is the real one, as users start it.
type server struct {
	url, address, adminKey string
	folder                 string
	flags                  []string
	command                *exec.Cmd
	conn                   *grpc.ClientConn
	sessions               v1.SessionServiceClient
	keys                   v1.KeyServiceClient
	credentials            v1.CredentialServiceClient
	vault                  v1.VaultServiceClient
}

// ownServer is one that a test may stop.
func ownServer(t *testing.T) *server {
	t.Helper()
	s, err := newServer(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	return s
}

func newServer(folder string, flags ...string) (*server, error) {
	s := &server{folder: folder, address: "127.0.0.1:0", flags: flags}
	if err := s.start(); err != nil {
		return nil, err
	}
	key, err := os.ReadFile(filepath.Join(folder, "data/admin.key"))
	if err != nil {
		return nil, err
	}
	s.adminKey = strings.TrimSpace(string(key))
	s.conn, err = grpc.NewClient("passthrough:///"+s.address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.WaitForReady(true)))
	if err != nil {
		return nil, err
	}
	s.sessions = v1.NewSessionServiceClient(s.conn)
	s.keys = v1.NewKeyServiceClient(s.conn)
	s.credentials = v1.NewCredentialServiceClient(s.conn)
	s.vault = v1.NewVaultServiceClient(s.conn)
	return s, nil
}

// start runs it, from the second time on at the address that it had.
func (s *server) start() error {
	program := os.Getenv("TEST_SERVER_MAIN")
	if program == "" {
		program = "../../dist/src/main.js"
	}
	if _, err := os.Stat(program); err != nil {
		return fmt.Errorf("the server is not built (npm run build): %w", err)
	}
	ready := filepath.Join(s.folder, fmt.Sprintf("ready-%d.json", time.Now().UnixNano()))
	log, err := os.OpenFile(filepath.Join(s.folder, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	s.command = exec.Command("node", append([]string{program, "serve", "--data", filepath.Join(s.folder, "data"),
		"--listen", s.address, "--ready-file", ready}, s.flags...)...)
	s.command.Env = environment
	s.command.Stdout, s.command.Stderr = log, log
	if err := s.command.Start(); err != nil {
		return fmt.Errorf("node: %w", err)
	}
	var listening struct{ URL string }
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		if text, err := os.ReadFile(ready); err == nil && json.Unmarshal(text, &listening) == nil {
			break
		}
		if time.Since(began) > soon {
			said, _ := os.ReadFile(log.Name())
			return fmt.Errorf("the server does not listen:\n%s", said)
		}
	}
	_, address, _ := strings.Cut(listening.URL, "://")
	s.url, s.address = listening.URL, address
	return nil
}

// end ends its process.
func (s *server) end(signal syscall.Signal) {
	if s.command != nil {
		_ = s.command.Process.Signal(signal)
		_ = s.command.Wait()
		s.command = nil
	}
}

func (s *server) close() {
	s.conn.Close()
	s.end(syscall.SIGKILL)
}

// admin is a context with which the operator calls.
func (s *server) admin() context.Context {
	return metadata.AppendToOutgoingContext(context.Background(), "x-api-key", s.adminKey)
}

func (s *server) agentKey() string {
	answer, err := s.keys.CreateKey(s.admin(), &v1.CreateKeyRequest{Name: "agent", Roles: []v1.Role{v1.Role_ROLE_AGENT}})
	if err != nil {
		panic(err)
	}
	return answer.GetSecret()
}

func (s *server) kill(t *testing.T, id, reason string) {
	t.Helper()
	if _, err := s.sessions.KillSession(s.admin(), &v1.KillSessionRequest{SessionId: id, Reason: &reason}); err != nil {
		t.Fatal(err)
	}
}

// sealed waits until an event with all these words in it stands in the log, and tells where.
func (s *server) sealed(t *testing.T, event string, words ...string) int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(s.admin(), soon)
	defer cancel()
	first := int64(0)
	stream, err := s.vault.WatchEntries(ctx, &v1.WatchEntriesRequest{FromSequence: &first})
	if err != nil {
		t.Fatal(err)
	}
next:
	for {
		message, err := stream.Recv()
		if err != nil {
			t.Fatalf("no %s with %q was sealed: %v", event, words, err)
		}
		entry := message.GetEntry()
		if entry.GetEvent() != event {
			continue
		}
		for _, word := range words {
			if !strings.Contains(entry.GetContent(), word) {
				continue next
			}
		}
		return entry.GetSequenceNumber()
	}
}

// count is how many such events stand in the log now.
func (s *server) count(t *testing.T, event string, words ...string) int {
	t.Helper()
	found, first := 0, int64(0)
	for {
		page, err := s.vault.ListEntries(s.admin(), &v1.ListEntriesRequest{FromSequence: first, PageSize: 500})
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range page.GetEntries() {
			matches := entry.GetEvent() == event
			for _, word := range words {
				matches = matches && strings.Contains(entry.GetContent(), word)
			}
			if matches {
				found++
			}
		}
		first += 500
		if first >= page.GetTotal() {
			return found
		}
	}
}

// client is one with a log that the test can read; it is closed, and must leave no goroutine.
func client(t *testing.T, s *server, options killcord.Options) (*killcord.Client, *lines) {
	t.Helper()
	log := &lines{}
	if options.URL == "" {
		options.URL = s.url
	}
	if options.APIKey == "" && options.KeySource == nil {
		options.APIKey = s.agentKey()
	}
	options.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c, err := killcord.NewClient(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, log
}

func start(t *testing.T, c *killcord.Client, options killcord.StartOptions) *killcord.Session {
	t.Helper()
	if options.AgentID == "" {
		options.AgentID = "loan-bot"
	}
	session, err := c.StartSession(context.Background(), options)
	if err != nil {
		t.Fatal(err)
	}
	return session
}

// unique is a name that no other test, and no other run of this one, uses.
func unique(t *testing.T) string { return t.Name() + "-" + rand.Text() }

// stopOf waits for a run's stop.
func stopOf(t *testing.T, session *killcord.Session) *killcord.SessionTerminated {
	t.Helper()
	select {
	case <-session.Context().Done():
	case <-time.After(soon):
		t.Fatal("the run was not stopped")
	}
	stop, stopped := killcord.Stopped(context.Cause(session.Context()))
	if !stopped {
		t.Fatalf("cause: %v", context.Cause(session.Context()))
	}
	return stop
}

// eventually waits for something that has no event of its own.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for began := time.Now(); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > soon {
			t.Fatalf("not seen: %s", what)
		}
	}
}

// receive is the next of a channel.
func receive[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(soon):
		t.Fatalf("not seen: %s", what)
		panic("unreachable")
	}
}

// lines are a log.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// with counts the lines with these words in them.
func (l *lines) with(words string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), words)
}
