"""What this package raises. None of it is a permission: an action that was not allowed is not allowed."""

from __future__ import annotations


class KillcordError(Exception):
    """The base of all others; by itself, what the server refused for another reason.

    `code` is one of docs/errors.md (`session_not_found`, `scope_halted`, …), this package's own
    (`session_terminated`, `action_blocked`, `action_escalated`, `session_paused`), or "" where nobody
    gave one.
    """

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class ServerUnreachable(KillcordError):
    """No answer in time. Whether an action was counted is unknown; it was not allowed."""


class AccessDenied(KillcordError):
    """The API key is missing, unknown, revoked or expired, or may not do this. Not tried again."""


class SessionTerminated(KillcordError):
    """The run is over, for good: it was stopped, it expired, or it ended.

    `status` is `killed`, `expired` or `ended`; `stop_reason` one of docs/rest-api.md (`manual`,
    `budget_exceeded`, `lease_lost`, …) or ""; `reason` text for people; `halt_id` the stop, or ""
    where there is none or it is not known yet.
    """

    def __init__(
        self, session_id: str, *, status: str, stop_reason: str = "", reason: str = "", halt_id: str = ""
    ) -> None:
        why = f" ({stop_reason})" if stop_reason else ""
        super().__init__(
            f"session {session_id} {status}{why}" + (f": {reason}" if reason else ""),
            code="session_terminated",
        )
        self.session_id = session_id
        self.status = status
        self.stop_reason = stop_reason
        self.reason = reason
        self.halt_id = halt_id

    def __reduce__(self) -> tuple[object, ...]:
        return (_terminated, (self.session_id, self.status, self.stop_reason, self.reason, self.halt_id))


def _terminated(
    session_id: str, status: str, stop_reason: str, reason: str, halt_id: str
) -> SessionTerminated:
    """Crosses processes: pickle calls exceptions with positional arguments only."""
    return SessionTerminated(
        session_id, status=status, stop_reason=stop_reason, reason=reason, halt_id=halt_id
    )


class ActionBlocked(KillcordError):
    """This action is not allowed; the run goes on.

    `reasoning` is text for people, `policies` the ids of those that had a say, `decision_id` the
    sealed decision, or "" where there is none.
    """

    _code = "action_blocked"

    def __init__(
        self, message: str, *, reasoning: str = "", decision_id: str = "", policies: list[str] | None = None
    ) -> None:
        super().__init__(message, code=self._code)
        self.reasoning = reasoning
        self.decision_id = decision_id
        self.policies = policies if policies is not None else []


class ActionEscalated(ActionBlocked):
    """This action is not allowed before a person has approved it."""

    _code = "action_escalated"


class SessionPaused(ActionBlocked):
    """The run is held: nothing is allowed until it is resumed."""

    _code = "session_paused"
