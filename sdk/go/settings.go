package killcord

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

// Version of this client, which it tells the server.
const Version = "0.1.0"

// Options of a client. The zero value takes all from the environment.
type Options struct {
	// URL of the server, http:// (cleartext) or https://. Default: KILLCORD_URL, else
	// http://127.0.0.1:7411.
	URL string
	// APIKey of the agent. Default: KILLCORD_API_KEY.
	APIKey string
	// KeySource gives the key anew for each call, for keys that rotate. It goes before APIKey.
	KeySource func(context.Context) (string, error)
	// Timeout of a call with all its repeats. Default 5 s.
	Timeout time.Duration
	// TLS for https://. Default: the system's authorities.
	TLS *tls.Config
	// Logger hears what goes wrong in the background, once and not with each repeat. Default:
	// slog.Default().
	Logger *slog.Logger
	// DialOptions are added to those of the connection, e.g. to trace it.
	DialOptions []grpc.DialOption
}

const (
	defaultURL     = "http://127.0.0.1:7411"
	defaultTimeout = 5 * time.Second
)

// settled fills the gaps from the environment and the defaults.
func (o Options) settled() (Options, error) {
	o.URL = cmp.Or(o.URL, os.Getenv("KILLCORD_URL"), defaultURL)
	o.Timeout = cmp.Or(o.Timeout, defaultTimeout)
	o.Logger = cmp.Or(o.Logger, slog.Default())
	if o.Timeout < 0 {
		return o, fmt.Errorf("killcord: Timeout %s is negative", o.Timeout)
	}
	if o.KeySource != nil {
		return o, nil
	}
	key := cmp.Or(o.APIKey, os.Getenv("KILLCORD_API_KEY"))
	if key == "" {
		return o, errors.New("killcord: no API key: set KILLCORD_API_KEY, or APIKey in the options")
	}
	o.KeySource = func(context.Context) (string, error) { return key, nil }
	return o, nil
}

// endpoint is the address to dial and how to secure it.
func (o Options) endpoint() (address string, security credentials.TransportCredentials, err error) {
	at, err := url.Parse(o.URL)
	if err != nil {
		return "", nil, fmt.Errorf("killcord: URL of the server: %w", err)
	}
	if at.Hostname() == "" || (at.Path != "" && at.Path != "/") || at.User != nil || at.RawQuery != "" {
		return "", nil, fmt.Errorf("killcord: %q is not a server: give http://HOST:PORT or https://HOST:PORT", at.Redacted())
	}
	switch at.Scheme {
	case "http":
		return net.JoinHostPort(at.Hostname(), cmp.Or(at.Port(), "80")), insecure.NewCredentials(), nil
	case "https":
		return net.JoinHostPort(at.Hostname(), cmp.Or(at.Port(), "443")), credentials.NewTLS(o.TLS), nil
	}
	return "", nil, fmt.Errorf("killcord: scheme %q: give http:// or https://", at.Scheme)
}

// calling sends the key and the client's name with each call.
type calling struct {
	key func(context.Context) (string, error)
}

func (c calling) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	key, err := c.key(ctx)
	if err != nil {
		// Not a refusal of the server: the next call may have a key again.
		return nil, status.Errorf(codes.Unavailable, "KeySource: %v", err)
	}
	return map[string]string{"x-api-key": key, "x-killcord-client": "go/" + Version}, nil
}

// RequireTransportSecurity is false: on loopback the server speaks cleartext, elsewhere it insists on
// TLS itself.
func (calling) RequireTransportSecurity() bool { return false }
