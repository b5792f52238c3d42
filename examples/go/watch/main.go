// Watch prints the states of a session until its end: watch SESSION_ID.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	killcord "killcord.example/gen/killcord/v1"
)

func main() {
	connection, err := grpc.NewClient("127.0.0.1:7411", grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	ctx := metadata.AppendToOutgoingContext(context.Background(), "x-api-key", os.Getenv("KILLCORD_API_KEY"))
	watch, err := killcord.NewSessionServiceClient(connection).
		WatchSession(ctx, &killcord.WatchSessionRequest{SessionId: os.Args[1]})
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
