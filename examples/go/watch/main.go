// Watch prints the states of a session until its end: watch SESSION_ID.
package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	killcord "killcord.example/gen/killcord/v1"
)

func main() {
	address := strings.TrimPrefix(cmp.Or(os.Getenv("KILLCORD_URL"), "http://127.0.0.1:7411"), "http://")
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	ctx := metadata.AppendToOutgoingContext(context.Background(), "x-api-key", os.Getenv("KILLCORD_API_KEY"))
	request := &killcord.WatchSessionRequest{SessionId: os.Args[1]}
	watch, err := killcord.NewSessionServiceClient(connection).WatchSession(ctx, request)
	if err != nil {
		log.Fatal(err)
	}
	for {
		message, err := watch.Recv()
		if err == io.EOF {
			return
		}
		if err != nil {
			log.Fatal(err)
		}
		if session := message.GetSession(); session != nil {
			fmt.Println(session.Status, session.GetKillReason())
		}
	}
}
