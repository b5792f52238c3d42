package killcord

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	spb "google.golang.org/genproto/googleapis/rpc/status"
)

// road takes the calls to the server: by gRPC, or, where a proxy on the way knows HTTP/1.1 alone, by
// Connect's unary protocol. Streams have no such way: heartbeats do their work.
type road struct {
	conn *grpc.ClientConn
	url  string
	log  *slog.Logger
	key  calling
	web  *http.Client
	// through: gRPC has come through once; plain: it does not, and HTTP/1.1 does.
	through, plain atomic.Bool
}

// maxAnswer bounds what is read of one answer.
const maxAnswer = 4 << 20

func newRoad(c *Client) *road {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = c.options.TLS
	return &road{
		conn: c.conn, url: c.options.URL, log: c.log, key: calling{c.options.KeySource},
		web: &http.Client{Transport: transport},
	}
}

// Invoke is a unary call of the stubs.
func (r *road) Invoke(ctx context.Context, method string, request, reply any, options ...grpc.CallOption) error {
	if r.plain.Load() {
		return r.post(ctx, method, request, reply)
	}
	err := r.conn.Invoke(ctx, method, request, reply, options...)
	if err == nil || ofKillcord(err) {
		r.through.Store(true)
	}
	if r.through.Load() || status.Code(err) != codes.Unavailable {
		return err
	}
	// A repeat of a call is made under the same idempotency key: it may be made this way as well.
	if second := r.post(ctx, method, request, reply); second == nil || ofKillcord(second) {
		if !r.plain.Swap(true) {
			r.log.Warn("killcord: gRPC does not come through to the server, HTTP/1.1 does; going on without streams", "url", r.url)
		}
		return second
	}
	return err
}

// NewStream is a streaming call of the stubs. It has no other way, and shows when gRPC comes through.
func (r *road) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, options ...grpc.CallOption) (grpc.ClientStream, error) {
	return r.conn.NewStream(ctx, desc, method, options...)
}

// open notes that gRPC comes through.
func (r *road) open() {
	r.through.Store(true)
	r.plain.Store(false)
}

// ofKillcord tells whether it was the server that refused, and not something on the way.
func ofKillcord(err error) bool {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetDomain() == "killcord" {
			return true
		}
	}
	return false
}

// post makes a unary call of Connect: https://connectrpc.com/docs/protocol.
func (r *road) post(ctx context.Context, method string, message, reply any) error {
	body, err := proto.Marshal(message.(proto.Message))
	if err != nil {
		return status.Error(codes.Internal, err.Error())
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(r.url, "/")+method, bytes.NewReader(body))
	if err != nil {
		return status.Error(codes.Internal, err.Error())
	}
	headers, err := r.key.GetRequestMetadata(ctx)
	if err != nil {
		return err
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	request.Header.Set("Content-Type", "application/proto")
	request.Header.Set("Connect-Protocol-Version", "1")
	response, err := r.web.Do(request)
	if err != nil {
		return unanswered(ctx, err)
	}
	defer response.Body.Close()
	said, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return unanswered(ctx, err)
	}
	if response.StatusCode != http.StatusOK {
		return refusalIn(response, said)
	}
	if kind := response.Header.Get("Content-Type"); kind != "application/proto" {
		return status.Errorf(codes.Unavailable, "an answer of type %q, which is not the server's", kind)
	}
	if err := proto.Unmarshal(said, reply.(proto.Message)); err != nil {
		return status.Error(codes.Internal, err.Error())
	}
	return nil
}

func unanswered(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return status.FromContextError(ctx.Err()).Err()
	}
	return status.Error(codes.Unavailable, err.Error())
}

// refusalIn reads the JSON in which Connect has an error.
func refusalIn(response *http.Response, said []byte) error {
	var failure struct {
		Code    string
		Message string
		Details []struct{ Type, Value string }
	}
	if json.Unmarshal(said, &failure) != nil || failure.Code == "" {
		return status.Errorf(codes.Unavailable, "status %s, which is not the server's", response.Status)
	}
	// "canceled" is the one word that the two write differently.
	word := strings.Replace(strings.ToUpper(failure.Code), "CANCELED", "CANCELLED", 1)
	code := codes.Unknown
	_ = code.UnmarshalJSON([]byte(strconv.Quote(word)))
	answer := &spb.Status{Code: int32(code), Message: failure.Message}
	for _, detail := range failure.Details {
		if value, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(detail.Value, "=")); err == nil {
			answer.Details = append(answer.Details, &anypb.Any{TypeUrl: "type.googleapis.com/" + detail.Type, Value: value})
		}
	}
	return status.ErrorProto(answer)
}
