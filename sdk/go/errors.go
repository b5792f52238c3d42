package killcord

import (
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Error is what all errors of this package have in common, for errors.As.
type Error interface {
	error
	// Code is a stable word, as in docs/errors.md where the server gave it.
	Code() string
}

// SessionTerminated says that a run is over: stopped, expired or ended. It is the cause with which
// the session's context is cancelled, and what every call on the session returns from then on.
type SessionTerminated struct {
	SessionID  string
	Status     Status     // killed, expired or ended
	StopReason StopReason // empty when ended
	Reason     string     // text for people
	HaltID     string     // the stop order; empty when ended, or while the client alone knows of the stop
	cause      error
}

// Error reads like "session sess_… killed (manual): manual stop".
func (e *SessionTerminated) Error() string {
	why := ""
	if e.StopReason != "" {
		why = fmt.Sprintf(" (%s)", e.StopReason)
	}
	return fmt.Sprintf("session %s %s%s: %s", e.SessionID, e.Status, why, e.Reason)
}

// Unwrap is what made the client stop the run by itself; nil for a stop that the server told of.
func (e *SessionTerminated) Unwrap() error { return e.cause }

// Code is "session_terminated".
func (e *SessionTerminated) Code() string { return "session_terminated" }

// GRPCStatus makes the error an ABORTED for callers of gRPC.
func (e *SessionTerminated) GRPCStatus() *status.Status { return status.New(codes.Aborted, e.Error()) }

// ActionBlocked says that one action must not be done. The run goes on.
type ActionBlocked struct {
	SessionID  string
	ActionType string
	Reasoning  string // text for people
	DecisionID string // empty when the client decided
	Policies   []Policy
	NextStep   string // what to do about it, as text for people; empty where nobody said
}

func (e *ActionBlocked) Error() string {
	return fmt.Sprintf("action %s blocked: %s", e.ActionType, e.Reasoning)
}

// Code is "action_blocked".
func (e *ActionBlocked) Code() string { return "action_blocked" }

// GRPCStatus makes the error a PERMISSION_DENIED for callers of gRPC.
func (e *ActionBlocked) GRPCStatus() *status.Status {
	return status.New(codes.PermissionDenied, e.Error())
}

// ActionEscalated says that an action must not be done before a person has approved it.
type ActionEscalated struct {
	SessionID  string
	ActionType string
	Reasoning  string
	DecisionID string
	Policies   []Policy
	NextStep   string
	// EscalationID is what is approved: ask for the same action with it when it is.
	EscalationID string
}

func (e *ActionEscalated) Error() string {
	return fmt.Sprintf("action %s needs an approval: %s", e.ActionType, e.Reasoning)
}

// Code is "action_escalated".
func (e *ActionEscalated) Code() string { return "action_escalated" }

// GRPCStatus makes the error a PERMISSION_DENIED for callers of gRPC.
func (e *ActionEscalated) GRPCStatus() *status.Status {
	return status.New(codes.PermissionDenied, e.Error())
}

// SessionPaused says that the run is held: nothing is allowed until an operator resumes it. It is a
// kind of ActionBlocked, which errors.As finds in it.
type SessionPaused struct {
	SessionID string
	Reason    string // text for people
	blocked   *ActionBlocked
}

func newPaused(sessionID, actionType, decisionID, reason string) *SessionPaused {
	return &SessionPaused{SessionID: sessionID, Reason: reason, blocked: &ActionBlocked{
		SessionID: sessionID, ActionType: actionType, DecisionID: decisionID, Reasoning: reason,
	}}
}

func (e *SessionPaused) Error() string {
	return fmt.Sprintf("session %s paused: %s", e.SessionID, e.Reason)
}

// Unwrap is the refusal as an ActionBlocked.
func (e *SessionPaused) Unwrap() error { return e.blocked }

// Code is "session_paused".
func (e *SessionPaused) Code() string { return "session_paused" }

// GRPCStatus makes the error a FAILED_PRECONDITION for callers of gRPC.
func (e *SessionPaused) GRPCStatus() *status.Status {
	return status.New(codes.FailedPrecondition, e.Error())
}

// ServerUnreachable says that the server did not answer in time. Nothing was permitted.
type ServerUnreachable struct {
	URL   string
	cause error
}

func (e *ServerUnreachable) Error() string {
	return fmt.Sprintf("no answer from %s: %v; nothing is allowed meanwhile: check that the server runs and KILLCORD_URL names it", e.URL, e.cause)
}

// Unwrap is the last failure of the transport.
func (e *ServerUnreachable) Unwrap() error { return e.cause }

// Code is "server_unreachable".
func (e *ServerUnreachable) Code() string { return "server_unreachable" }

// AccessDenied says that the key is wrong, revoked, past its end, or lacks the right: trying again
// does not help.
type AccessDenied struct {
	code    string
	Message string // the server's
	cause   error
}

func (e *AccessDenied) Error() string {
	return fmt.Sprintf("access denied (%s): %s; check KILLCORD_API_KEY", e.code, e.Message)
}

// Unwrap is the status of gRPC.
func (e *AccessDenied) Unwrap() error { return e.cause }

// Code is the server's, such as "invalid_api_key".
func (e *AccessDenied) Code() string { return e.code }

// RequestRefused is any other refusal of the server, such as scope_halted for a start while a halt
// stands, or invalid_argument.
type RequestRefused struct {
	code    string
	Message string // the server's: what happened and what to do
	cause   error
}

func (e *RequestRefused) Error() string { return fmt.Sprintf("refused (%s): %s", e.code, e.Message) }

// Unwrap is the status of gRPC.
func (e *RequestRefused) Unwrap() error { return e.cause }

// Code is the server's.
func (e *RequestRefused) Code() string { return e.code }
