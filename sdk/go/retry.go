package killcord

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	firstPause = 50 * time.Millisecond
	lastPause  = 5 * time.Second
	// longest that one attempt waits for its answer, so that a dead connection leaves time for another.
	attemptTimeout = 2 * time.Second
)

// pause is a random time below 50 ms, doubled with each attempt up to 5 s ("full jitter"): a
// thousand clients that lost the same server do not come back at one moment.
func pause(attempt int) time.Duration {
	ceiling := lastPause
	if attempt < 7 {
		ceiling = min(firstPause<<attempt, lastPause)
	}
	return rand.N(ceiling) + time.Millisecond
}

// repeat calls until it is answered, the answer is one that stays, or the time is over. The call gets
// the moment at which it was sent.
func (c *Client) repeat(ctx context.Context, timeout time.Duration, call func(context.Context, time.Duration) error) error {
	overall, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for attempt := 0; ; attempt++ {
		err := c.attempt(overall, min(timeout, attemptTimeout), call)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !passing(err) {
			return c.translate(err)
		}
		if !sleep(overall, max(pause(attempt), retryDelay(err))) {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return c.translate(err)
		}
	}
}

// attempt calls once. A connection that brought nothing while the call waited in vain is cut.
func (c *Client) attempt(ctx context.Context, timeout time.Duration, call func(context.Context, time.Duration) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	c.conn.ResetConnectBackoff()
	sent := c.now()
	err := call(ctx, sent)
	if status.Code(err) == codes.DeadlineExceeded {
		c.line.cutSilent(sent)
	}
	return err
}

// passing tells failures after which the same call may succeed.
func passing(err error) bool {
	switch status.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded:
		return true
	case codes.ResourceExhausted:
		// Overloaded, not out of room: the server says when to come again.
		return retryDelay(err) > 0
	}
	return false
}

func retryDelay(err error) time.Duration {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok {
			return info.GetRetryDelay().AsDuration()
		}
	}
	return 0
}

// sleep waits; false when the context ends before.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// translate makes a status of gRPC one of this package's errors.
func (c *Client) translate(err error) error {
	var ours Error
	if err == nil || errors.As(err, &ours) {
		return err
	}
	answer := status.Convert(err)
	code := word(answer.Code(), "")
	for _, detail := range answer.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetDomain() == "killcord" {
			code = info.GetReason()
		}
	}
	switch answer.Code() {
	case codes.Unauthenticated, codes.PermissionDenied:
		return &AccessDenied{code: code, Message: answer.Message(), cause: err}
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled:
		return &ServerUnreachable{URL: c.options.URL, cause: err}
	}
	return &RequestRefused{code: code, Message: answer.Message(), cause: err}
}

func denied(err error) bool {
	var denial *AccessDenied
	return errors.As(err, &denial)
}

func unreachable(err error) bool {
	var silence *ServerUnreachable
	return errors.As(err, &silence)
}
