// An agent by the Go client, as bench/halt/raw-agent.ts is one: its context is cancelled.
package main

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"golang.org/x/sys/unix"
	"killcord.example/killcord"
)

func main() {
	client, err := killcord.NewClient(killcord.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		run(client)
	}
}

func run(client *killcord.Client) {
	session, err := client.StartSession(context.Background(), killcord.StartOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()
	// Its watch is there by then.
	time.Sleep(time.Second)
	fmt.Printf("{\"session_id\":%q}\n", session.ID())
	<-session.Context().Done()
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("{\"cancelled_ns\":\"%d\"}\n", now.Nano())
}
