package killcord_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"killcord.example/killcord"
)

// agent stands for the steps of an agent.
var agent = []string{"read the mail", "pay the bill", "pay it again"}

// A loop that looks at the session at each step, and asks before what has an effect.
func Example() {
	client, err := killcord.NewClient(killcord.Options{}) // KILLCORD_URL, KILLCORD_API_KEY
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	sess, err := client.StartSession(context.Background(), killcord.StartOptions{
		AgentID: "loan-bot",
		Budgets: killcord.Budgets{MaxActions: killcord.Limit(2), TTL: time.Hour},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sess.Close()

	for _, step := range agent {
		if err := sess.Guard(); err != nil {
			fmt.Println(err)
			return
		}
		_, err := sess.Intercept(sess.Context(), killcord.Action{Type: "transfer_funds", Content: step})
		var blocked *killcord.ActionBlocked
		var stop *killcord.SessionTerminated
		switch {
		case errors.As(err, &stop):
			fmt.Println("agent contained:", stop.StopReason)
			return
		case errors.As(err, &blocked):
			fmt.Println("not this one:", blocked.Reasoning)
		case err != nil:
			fmt.Println("no permission:", err)
			return
		default:
			fmt.Println(step)
		}
	}
	// Output:
	// read the mail
	// pay the bill
	// agent contained: budget_exceeded
}

type transfer struct {
	To     string `json:"to"`
	Amount int    `json:"amount"`
}

// A tool asks with its arguments, and works with a context that the stop cancels.
func ExampleTool() {
	client, sess := open()
	defer client.Close()
	defer sess.Close()

	pay := killcord.Tool(sess, "transfer_funds", func(ctx context.Context, in transfer) (string, error) {
		return fmt.Sprintf("%d to %s", in.Amount, in.To), nil // give ctx to everything that may take long
	})
	receipt, err := pay(sess.Context(), transfer{To: "bob", Amount: 5})
	fmt.Println(receipt, err)
	// Output: 5 to bob <nil>
}

// askTheModel stands for a model, with the tokens that it reports.
func askTheModel(ctx context.Context, prompt string) (text string, tokens int64, err error) {
	return "an answer to " + prompt, 1500, ctx.Err()
}

// A model is paid by the tokens that it used; what it may use is held before. The run is stopped by
// what it costs.
func ExampleSpend() {
	client, err := killcord.NewClient(killcord.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	sess, err := client.StartSession(context.Background(), killcord.StartOptions{
		AgentID: "researcher",
		Budgets: killcord.Budgets{MaxTokens: killcord.Limit(10_000), MaxCostUSD: "0.015"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sess.Close()

	price := func(tokens int64) string { return killcord.MicroUSD(3 * tokens) } // 3 USD a million tokens
	call := killcord.Action{Type: "llm_call", Estimate: &killcord.Cost{Tokens: 2000, CostUSD: price(2000)}}
	for {
		text, err := killcord.Spend(sess.Context(), sess, call, func(ctx context.Context) (string, killcord.Cost, error) {
			text, tokens, err := askTheModel(ctx, "a question")
			return text, killcord.Cost{Tokens: tokens, CostUSD: price(tokens)}, err
		})
		if stop, stopped := killcord.Stopped(err); stopped {
			fmt.Println("agent contained:", stop.Reason)
			return
		}
		fmt.Println(text, err)
	}
	// Output:
	// an answer to a question <nil>
	// an answer to a question <nil>
	// an answer to a question <nil>
	// agent contained: budget exceeded: max_cost_usd 0.015, spent 0.0135, needed 0.006
}

// An action that is reserved, and settled in a place of its own.
func ExampleSession_Reserve() {
	client, sess := open()
	defer client.Close()
	defer sess.Close()

	held, err := sess.Reserve(sess.Context(), killcord.Action{Type: "llm_call", Estimate: &killcord.Cost{Tokens: 4000}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer held.Close() // gives the estimate back, if nothing was said
	text, tokens, err := askTheModel(sess.Context(), "a question")
	if err != nil {
		fmt.Println(err)
		return
	}
	settled, err := held.Settle(sess.Context(), killcord.Cost{Tokens: tokens})
	fmt.Println(text, settled.Spent.Tokens, err)
	// Output: an answer to a question 1500 <nil>
}

// What runs in Go must have returned before a stop is confirmed.
func ExampleSession_Go() {
	client, sess := open()
	defer client.Close()

	done := make(chan struct{})
	sess.Go(func(ctx context.Context) {
		defer close(done)
		<-ctx.Done()
		fmt.Println(context.Cause(ctx).(*killcord.SessionTerminated).Status)
	})
	sess.Close()
	<-done
	// Output: ended
}

// What happens to the run, and where it is logged.
func ExampleSession_OnStop() {
	client, err := killcord.NewClient(killcord.Options{Logger: slog.New(slog.NewJSONHandler(os.Stderr, nil))})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	sess, err := client.StartSession(context.Background(), killcord.StartOptions{
		AgentID: "loan-bot",
		OnEvent: func(event killcord.Event) {
			switch event.Kind {
			case killcord.EventPause:
				fmt.Println("held:", event.Reason)
			case killcord.EventResume:
				fmt.Println("going on")
			case killcord.EventStop:
				fmt.Println(event.Stop)
			case killcord.EventWarning:
				fmt.Println("warned:", event.Reason)
			}
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sess.Close()
	sess.OnStop(func(stop *killcord.SessionTerminated) { fmt.Println("cleaning up after", stop.Reason) })
	// Output:
}

// HTTP requests that end with the run, to the last byte of their bodies.
func ExampleTransport() {
	client, sess := open()
	defer client.Close()
	defer sess.Close()

	web := &http.Client{Transport: &killcord.Transport{
		Session: sess,
		// Ask before what changes something; the rest is only tied.
		Ask: func(request *http.Request) (killcord.Action, bool) {
			return killcord.Action{Type: "http:" + request.Method, Content: request.URL.String()}, request.Method != http.MethodGet
		},
	}}
	_, err := web.Get("http://127.0.0.1:1/")
	fmt.Println(err != nil, killcord.Transport{Session: sess}.Session.Err())
	// Output: true <nil>
}

// Every call of another service is asked for, and ends with the run.
func ExampleUnaryClientInterceptor() {
	client, sess := open()
	defer client.Close()
	defer sess.Close()

	calls := killcord.Calls{Session: sess} // without it: the session in the context of each call
	payments, err := grpc.NewClient("payments.example:443",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithChainUnaryInterceptor(killcord.UnaryClientInterceptor(calls)),
		grpc.WithChainStreamInterceptor(killcord.StreamClientInterceptor(calls)))
	fmt.Println(err)
	defer payments.Close()
	// Output: <nil>
}

// open is what the examples above have in common.
func open() (*killcord.Client, *killcord.Session) {
	client, err := killcord.NewClient(killcord.Options{})
	if err != nil {
		panic(err)
	}
	sess, err := client.StartSession(context.Background(), killcord.StartOptions{AgentID: "loan-bot"})
	if err != nil {
		panic(err)
	}
	return client, sess
}
