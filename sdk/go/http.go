package killcord

import (
	"context"
	"io"
	"net/http"
	"sync"
)

// Transport ties HTTP requests to a session: none begins once the run is stopped or held, and those
// under way, to the last byte of their bodies, end with it. It is a http.RoundTripper.
type Transport struct {
	Session *Session
	// Base makes the requests. Default: http.DefaultTransport.
	Base http.RoundTripper
	// Ask makes an action of a request that must be asked for before it is sent; nil asks for none.
	Ask func(*http.Request) (action Action, ask bool)
}

// RoundTrip makes a request. Stops and refusals are in the error, for errors.As.
func (t *Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	s := t.Session
	if err := t.permit(request); err != nil {
		closeBody(request)
		return nil, err
	}
	if !s.work.begin() {
		closeBody(request)
		return nil, s.cause()
	}
	bound, cancel := s.Bind(request.Context())
	end := sync.OnceFunc(func() {
		cancel()
		s.work.done()
	})
	base := t.Base
	if base == nil {
		base = http.DefaultTransport
	}
	response, err := base.RoundTrip(request.WithContext(bound))
	if err != nil {
		end()
		return nil, s.or(err)
	}
	body := &tiedBody{ReadCloser: response.Body, session: s, end: end}
	if writer, both := response.Body.(io.Writer); both {
		// A connection that was switched to another protocol.
		response.Body = struct {
			*tiedBody
			io.Writer
		}{body, writer}
	} else {
		response.Body = body
	}
	// Who forgets to close a body keeps no run from ending.
	context.AfterFunc(bound, end)
	return response, nil
}

func (t *Transport) permit(request *http.Request) error {
	if t.Ask != nil {
		if action, ask := t.Ask(request); ask {
			_, err := t.Session.Intercept(request.Context(), action)
			return err
		}
	}
	return t.Session.permit(request.Context(), "http:"+request.Method)
}

func closeBody(request *http.Request) {
	if request.Body != nil {
		_ = request.Body.Close()
	}
}

type tiedBody struct {
	io.ReadCloser
	session *Session
	end     func()
}

func (b *tiedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if stop := b.session.stopped(); stop != nil {
		return 0, stop
	}
	return n, err
}

func (b *tiedBody) Close() error {
	err := b.ReadCloser.Close()
	b.end()
	return err
}
