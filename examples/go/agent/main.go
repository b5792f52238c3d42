// Agent asks for three actions where its session has a budget of two.
package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"os"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	killcord "killcord.example/gen/killcord/v1"
)

func main() {
	address := strings.TrimPrefix(cmp.Or(os.Getenv("KILLCORD_URL"), "http://127.0.0.1:7411"), "http://")
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	ctx := metadata.AppendToOutgoingContext(context.Background(), "x-api-key", os.Getenv("KILLCORD_API_KEY"))
	started, err := killcord.NewSessionServiceClient(connection).StartSession(ctx, &killcord.StartSessionRequest{
		AgentId: proto.String("loan-bot"),
		Budgets: &killcord.Budgets{MaxActions: proto.Int64(2)},
	})
	if err != nil {
		log.Fatal(err)
	}
	enforcement := killcord.NewEnforcementServiceClient(connection)
	for range 3 {
		answer, err := enforcement.Intercept(ctx, &killcord.InterceptRequest{
			SessionId:  proto.String(started.Session.SessionId),
			ActionType: "transfer_funds",
		})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(answer.Decision)
	}
}
