"""What this package raises. None of it is a permission: an action that was not allowed is not allowed."""

from __future__ import annotations

from dataclasses import dataclass


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


@dataclass(frozen=True)
class Policy:
    """One that had a say in a verdict."""

    #: 32 hex digits; those of the server itself have names that begin with `__`.
    policy_id: str
    name: str = ""
    #: What it asked for: `allow`, `block`, `escalate` or `terminate`.
    decision: str = ""
    #: Why, as text for people.
    reason: str = ""
    #: The version of it that judged; None for those of the server itself.
    version: int | None = None


class ActionBlocked(KillcordError):
    """This action is not allowed; the run goes on.

    `reasoning` is text for people, `next_step` what to do about it, "" where nobody said; `policies` the
    ids of those that had a say, `policies_triggered` what each said; `decision_id` the sealed decision,
    or "" where there is none.
    """

    _code = "action_blocked"

    def __init__(
        self,
        message: str,
        *,
        reasoning: str = "",
        decision_id: str = "",
        policies: list[str] | None = None,
        policies_triggered: list[Policy] | None = None,
        next_step: str = "",
    ) -> None:
        super().__init__(message, code=self._code)
        self.reasoning = reasoning
        self.decision_id = decision_id
        self.policies = policies if policies is not None else []
        self.policies_triggered = policies_triggered if policies_triggered is not None else []
        self.next_step = next_step


class ActionEscalated(ActionBlocked):
    """This action is not allowed before a person has approved it.

    `escalation_id` names what is approved: ask for the same action with it when it is.
    """

    _code = "action_escalated"
    escalation_id = ""


class SessionPaused(ActionBlocked):
    """The run is held: nothing is allowed until it is resumed."""

    _code = "session_paused"
