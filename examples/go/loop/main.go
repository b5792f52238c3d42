// Loop is an agent that reads a page over and over, until it is stopped: loop URL.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"

	"killcord.example/killcord"
)

func main() {
	err := run(os.Args[1])
	if stop, stopped := killcord.Stopped(err); stopped {
		log.Fatalf("agent contained: %s", stop)
	}
	log.Fatal(err)
}

func run(page string) error {
	client, err := killcord.NewClient(killcord.Options{}) // KILLCORD_URL, KILLCORD_API_KEY
	if err != nil {
		return err
	}
	defer client.Close()
	sess, err := client.StartSession(context.Background(), killcord.StartOptions{
		AgentID: "page-reader",
		Budgets: killcord.Budgets{MaxActions: killcord.Limit(200), TTL: time.Hour},
	})
	if err != nil {
		return err
	}
	defer sess.Close()
	fmt.Println("running as", sess.ID())

	read := killcord.Tool(sess, "read_page", func(ctx context.Context, page string) (string, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
		if err != nil {
			return "", err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return "", err
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		return string(text), err
	})
	for {
		text, err := read(sess.Context(), page)
		if err != nil {
			return err
		}
		fmt.Println("read", len(text), "bytes")
	}
}
