package killcord

import (
	"fmt"
	"strings"

	v1 "killcord.example/killcord/gen/killcord/v1"
)

// Status is where a session stands.
type Status string

// The statuses. Killed, expired and ended are terminal: nothing leaves them.
const (
	StatusActive  Status = "active"
	StatusPaused  Status = "paused"
	StatusKilled  Status = "killed"
	StatusExpired Status = "expired"
	StatusEnded   Status = "ended"
)

// StopReason is why a session was stopped, as the API writes it: "manual", "budget_exceeded",
// "ttl_expired", "idle_timeout", "lease_lost", "credential_revoked", "agent_revoked", "halted",
// "parent_stopped", "drill". A newer server may know more.
type StopReason string

// Reasons for which the client stops a session by itself. The server knows the first as well.
const (
	// Nothing was heard from the server for the lease.
	StopLeaseLost StopReason = "lease_lost"
	// The key is no longer good: no stop could arrive any more.
	StopAccessDenied StopReason = "access_denied"
	// The server does not know the session: it was rolled back, or is another one.
	StopSessionNotFound StopReason = "session_not_found"
)

func statusOf(status v1.SessionStatus) Status {
	return Status(word(status, "SESSION_STATUS_"))
}

func reasonOf(reason v1.StopReason) StopReason {
	if reason == v1.StopReason_STOP_REASON_UNSPECIFIED {
		return ""
	}
	return StopReason(word(reason, "STOP_REASON_"))
}

// word is the value of an enum as the API writes it; a newer server's is its number.
func word(value fmt.Stringer, prefix string) string {
	name, known := strings.CutPrefix(value.String(), prefix)
	if !known {
		return "unknown " + value.String()
	}
	return strings.ToLower(name)
}

func terminal(status v1.SessionStatus) bool {
	switch status {
	case v1.SessionStatus_SESSION_STATUS_KILLED, v1.SessionStatus_SESSION_STATUS_EXPIRED,
		v1.SessionStatus_SESSION_STATUS_ENDED:
		return true
	}
	return false
}
