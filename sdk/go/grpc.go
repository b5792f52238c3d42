package killcord

import (
	"context"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// Calls says how the outgoing calls of an agent's other gRPC clients are asked for.
type Calls struct {
	// Session that makes the calls. Default: the one in each call's context (NewContext,
	// Session.Context); a call without one is refused.
	Session *Session
	// Action that a call is. Default: type "grpc:/package.Service/Method", and for a unary call the
	// request as JSON for its content. request is nil for a stream.
	Action func(ctx context.Context, method string, request any) Action
}

// UnaryClientInterceptor asks before each call, stops it when the run stops, and lets no reply
// through that came after the stop. Errors are those of Session.Intercept, with a status of gRPC.
func UnaryClientInterceptor(calls Calls) grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
		session, err := calls.session(ctx, method)
		if err != nil {
			return err
		}
		action, err := calls.action(ctx, method, request)
		if err != nil {
			return err
		}
		return session.do(ctx, action, func(ctx context.Context) error {
			return invoke(ctx, method, request, reply, conn, options...)
		})
	}
}

// StreamClientInterceptor asks once, when a stream is opened, and ends it when the run stops.
func StreamClientInterceptor(calls Calls) grpc.StreamClientInterceptor {
	return func(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, options ...grpc.CallOption) (grpc.ClientStream, error) {
		session, err := calls.session(ctx, method)
		if err != nil {
			return nil, err
		}
		action, err := calls.action(ctx, method, nil)
		if err != nil {
			return nil, err
		}
		if _, err := session.Intercept(ctx, action); err != nil {
			return nil, err
		}
		if !session.work.begin() {
			return nil, session.cause()
		}
		bound, cancel := session.Bind(ctx)
		end := sync.OnceFunc(func() {
			cancel()
			session.work.done()
		})
		stream, err := open(bound, desc, conn, method, options...)
		if err != nil {
			end()
			return nil, session.or(err)
		}
		// A stream that nobody reads to its end is over with its context.
		context.AfterFunc(stream.Context(), end)
		return &tiedStream{ClientStream: stream, session: session, end: end, single: !desc.ServerStreams}, nil
	}
}

// or is the stop, if there is one, else the error.
func (s *Session) or(err error) error {
	if stop := s.stopped(); stop != nil {
		return stop
	}
	return err
}

type tiedStream struct {
	grpc.ClientStream
	session *Session
	end     func()
	single  bool
}

func (t *tiedStream) RecvMsg(message any) error {
	err := t.ClientStream.RecvMsg(message)
	if stop := t.session.stopped(); stop != nil {
		t.end()
		return stop
	}
	if err != nil || t.single {
		t.end()
	}
	return err
}

func (t *tiedStream) SendMsg(message any) error {
	if stop := t.session.stopped(); stop != nil {
		return stop
	}
	return t.ClientStream.SendMsg(message)
}

func (c Calls) session(ctx context.Context, method string) (*Session, error) {
	if c.Session != nil {
		return c.Session, nil
	}
	if session, found := FromContext(ctx); found {
		return session, nil
	}
	return nil, status.Errorf(codes.FailedPrecondition,
		"killcord: no session in the context of the call of %s: derive it from Session.Context, or use NewContext", method)
}

func (c Calls) action(ctx context.Context, method string, request any) (Action, error) {
	if c.Action != nil {
		return c.Action(ctx, method, request), nil
	}
	action := Action{Type: "grpc:" + method}
	if message, ok := request.(proto.Message); ok {
		content, err := protojson.Marshal(message)
		if err != nil {
			return action, status.Errorf(codes.Internal, "killcord: request of %s as JSON: %v", method, err)
		}
		action.Content = string(content)
	}
	return action, nil
}
