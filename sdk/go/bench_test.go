package killcord_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"testing"
	"time"

	"killcord.example/killcord"
	v1 "killcord.example/killcord/gen/killcord/v1"
)

// BenchmarkKill is the time from the operator's call to the cancellation of the run's context, while
// the same client watches other sessions:
//
//	go test -run '^$' -bench Kill -benchtime 200x
func BenchmarkKill(b *testing.B) {
	for _, others := range []int{1, 1000} {
		b.Run(fmt.Sprintf("others=%d", others), func(b *testing.B) { benchmarkKill(b, others) })
	}
}

func benchmarkKill(b *testing.B, others int) {
	c, err := killcord.NewClient(killcord.Options{
		URL: common.url, APIKey: common.agentKey(), Timeout: time.Minute,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	open := func() *killcord.Session {
		session, err := c.StartSession(context.Background(), killcord.StartOptions{AgentID: "bench", Lease: 300 * time.Second})
		if err != nil {
			b.Fatal(err)
		}
		return session
	}
	for range others {
		open()
	}
	sessions := make([]*killcord.Session, b.N)
	for i := range sessions {
		sessions[i] = open()
	}
	for _, session := range sessions {
		for !session.Watched() {
			time.Sleep(time.Millisecond)
		}
	}
	var took []time.Duration
	for _, session := range sessions {
		began := time.Now()
		cancelled := make(chan time.Duration, 1)
		context.AfterFunc(session.Context(), func() { cancelled <- time.Since(began) })
		if _, err := common.sessions.KillSession(common.admin(), &v1.KillSessionRequest{SessionId: session.ID()}); err != nil {
			b.Fatal(err)
		}
		took = append(took, <-cancelled)
		session.Close()
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(0, "ns/op")
}
