// An agent on grpc-go with stubs that protoc-gen-go made from proto/: nothing of Killcord's.
// It takes the steps of test/interop/containment.ts.
package main

import (
	"context"
	"encoding/json"
	"io"
	"log"
	"net/url"
	"os"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	killcord "killcord.example/gen/killcord/v1"
)

type seen map[string]any

func say(step string, what seen) {
	what["step"] = step
	if err := json.NewEncoder(os.Stdout).Encode(what); err != nil {
		log.Fatal(err)
	}
}

// must ends the program, with the error on stderr, where a step failed.
func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

// word tells VERDICT_ALLOW as allow.
func word(constant interface{ String() string }, prefix string) string {
	return strings.ToLower(strings.TrimPrefix(constant.String(), prefix))
}

type agent struct {
	sessions killcord.SessionServiceClient
	enforcer killcord.EnforcementServiceClient
}

func (a agent) start(ctx context.Context, budgets *killcord.Budgets) string {
	request := &killcord.StartSessionRequest{AgentId: proto.String("grpc-go"), Budgets: budgets}
	return must(a.sessions.StartSession(ctx, request)).Session.SessionId
}

func (a agent) intercept(ctx context.Context, session string) *killcord.InterceptResponse {
	return must(a.enforcer.Intercept(ctx, &killcord.InterceptRequest{
		SessionId:     proto.String(session),
		ActionType:    "transfer_funds",
		ActionContent: proto.String("pay 5 to 4711"),
	}))
}

func (a agent) spendBudget(ctx context.Context) {
	session := a.start(ctx, &killcord.Budgets{MaxActions: proto.Int64(2)})
	var verdicts []string
	var last *killcord.InterceptResponse
	for range 3 {
		last = a.intercept(ctx, session)
		verdicts = append(verdicts, word(last.Decision, "VERDICT_"))
	}
	say("budget", seen{"verdicts": verdicts, "stop_reason": word(last.StopReason, "STOP_REASON_")})
}

func (a agent) learnKill(ctx context.Context) {
	id := a.start(ctx, &killcord.Budgets{MaxActions: proto.Int64(100)})
	stream := must(a.sessions.WatchSession(ctx, &killcord.WatchSessionRequest{SessionId: id}))
	var state *killcord.Session
	for {
		message, err := stream.Recv()
		if err == io.EOF {
			break
		}
		session := must(message, err).GetSession()
		if session == nil {
			continue
		}
		if state == nil {
			say("watching", seen{"session_id": id, "status": word(session.Status, "SESSION_STATUS_")})
		}
		state = session
	}
	say("stopped", seen{
		"status":      word(state.Status, "SESSION_STATUS_"),
		"kill_reason": state.GetKillReason(),
		"stop_reason": word(state.StopReason, "STOP_REASON_"),
		"halt_id":     state.GetHaltId(),
	})
	verdict := word(a.intercept(ctx, id).Decision, "VERDICT_")
	acknowledged := must(a.sessions.AcknowledgeHalt(ctx, &killcord.AcknowledgeHaltRequest{
		SessionId: id,
		HaltId:    state.GetHaltId(),
		Phase:     killcord.HaltPhase_HALT_PHASE_STOPPED,
		Evidence:  killcord.HaltEvidence_HALT_EVIDENCE_TASKS_CANCELLED,
	}))
	say("after", seen{"verdict": verdict, "status": word(acknowledged.Session.Status, "SESSION_STATUS_")})
}

func (a agent) tryToKill(ctx context.Context) {
	_, err := a.sessions.KillSession(ctx, &killcord.KillSessionRequest{SessionId: a.start(ctx, nil)})
	refusal := status.Convert(err)
	for _, detail := range refusal.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			say("refused", seen{"code": refusal.Code(), "reason": info.Reason, "domain": info.Domain})
		}
	}
}

func (a agent) hearDirective(ctx context.Context) {
	id := a.start(ctx, &killcord.Budgets{MaxActions: proto.Int64(100)})
	stream := must(a.enforcer.InterceptStream(ctx))
	send := func(request *killcord.InterceptStreamRequest) {
		if err := stream.Send(request); err != nil {
			log.Fatal(err)
		}
	}
	send(&killcord.InterceptStreamRequest{Message: &killcord.InterceptStreamRequest_Open{
		Open: &killcord.StreamOpen{SessionId: id},
	}})
	send(&killcord.InterceptStreamRequest{Message: &killcord.InterceptStreamRequest_Intercept{
		Intercept: &killcord.StreamIntercept{Ref: 7, Action: &killcord.InterceptRequest{ActionType: "transfer_funds"}},
	}})
	var phase string
	for {
		answer, err := stream.Recv()
		if err == io.EOF {
			break
		}
		switch answer := must(answer, err).Message.(type) {
		case *killcord.InterceptStreamResponse_Verdict:
			verdict := word(answer.Verdict.Verdict.Decision, "VERDICT_")
			say("streaming", seen{"session_id": id, "ref": answer.Verdict.Ref, "verdict": verdict})
		case *killcord.InterceptStreamResponse_Directive:
			directive := answer.Directive
			say("directive", seen{
				"kind":        word(directive.Kind, "DIRECTIVE_KIND_"),
				"reason":      directive.Reason,
				"stop_reason": word(directive.StopReason, "STOP_REASON_"),
				"halt_id":     directive.GetHaltId(),
			})
			send(&killcord.InterceptStreamRequest{Message: &killcord.InterceptStreamRequest_Acknowledge{
				Acknowledge: &killcord.StreamAcknowledge{
					HaltId:   directive.GetHaltId(),
					Phase:    killcord.HaltPhase_HALT_PHASE_STOPPED,
					Evidence: killcord.HaltEvidence_HALT_EVIDENCE_TASKS_CANCELLED,
				},
			}})
		case *killcord.InterceptStreamResponse_Acknowledged:
			phase = word(answer.Acknowledged.Phase, "HALT_PHASE_")
		}
	}
	say("confirmed", seen{"phase": phase})
}

func main() {
	server := must(url.Parse(os.Getenv("KILLCORD_URL")))
	connection := must(grpc.NewClient(server.Host, grpc.WithTransportCredentials(insecure.NewCredentials())))
	ctx := metadata.AppendToOutgoingContext(context.Background(), "x-api-key", os.Getenv("KILLCORD_API_KEY"))
	a := agent{
		sessions: killcord.NewSessionServiceClient(connection),
		enforcer: killcord.NewEnforcementServiceClient(connection),
	}
	a.spendBudget(ctx)
	a.learnKill(ctx)
	a.tryToKill(ctx)
	a.hearDirective(ctx)
}
