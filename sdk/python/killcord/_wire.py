"""The calls of the wire that this package makes, in a form that both transports send.

What is said and what is heard is the JSON of REST: snake_case names, enums as lower-case words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Callable

from .errors import AccessDenied, KillcordError, ServerUnreachable

VERSION = "0.1.0"
CLIENT = f"python/{VERSION}"

#: One answer, in the form of REST.
Reply = Mapping[str, Any]


@dataclass(frozen=True)
class Call:
    """One unary call. Everything that it says is in `body`, also what REST puts into the path."""

    #: `Service/Method` of killcord.v1.
    rpc: str
    #: Of REST, with `{session_id}` or another name of the body where it is a part of it.
    path: str
    body: dict[str, Any] = field(default_factory=dict)
    #: Of REST.
    method: str = "POST"


def start(body: dict[str, Any]) -> Call:
    return Call("SessionService/StartSession", "/v1/enforce/sessions/start", body)


def intercept(body: dict[str, Any]) -> Call:
    return Call("EnforcementService/Intercept", "/v1/enforce/intercept", body)


def get(session_id: str) -> Call:
    path = "/v1/enforce/sessions/{session_id}"
    return Call("SessionService/GetSession", path, {"session_id": session_id}, "GET")


def heartbeat(session_id: str) -> Call:
    path = "/v1/enforce/sessions/{session_id}/heartbeat"
    return Call("SessionService/Heartbeat", path, {"session_id": session_id})


def end(session_id: str) -> Call:
    path = "/v1/enforce/sessions/{session_id}/end"
    return Call("SessionService/EndSession", path, {"session_id": session_id})


def acknowledge(session_id: str, halt_id: str, phase: str, evidence: str | None = None) -> Call:
    """`phase` is `stopping` or `stopped`; the latter needs `evidence`, e.g. `tasks_cancelled`."""
    body = {"session_id": session_id, "halt_id": halt_id, "phase": phase}
    if evidence is not None:
        body["evidence"] = evidence
    path = "/v1/enforce/sessions/{session_id}/acknowledge"
    return Call("SessionService/AcknowledgeHalt", path, body)


def settle(decision_id: str, cost: dict[str, Any]) -> Call:
    path = "/v1/enforce/decisions/{decision_id}/settle"
    return Call("EnforcementService/Settle", path, {"decision_id": decision_id, "cost": cost})


def cancel(decision_id: str) -> Call:
    path = "/v1/enforce/decisions/{decision_id}/cancel"
    return Call("EnforcementService/CancelReservation", path, {"decision_id": decision_id})


def escalation_status(escalation_id: str) -> Call:
    path = "/v1/enforce/escalations/{escalation_id}/status"
    return Call("EscalationService/GetEscalationStatus", path, {"escalation_id": escalation_id}, "GET")


class Stream:
    """A watch that is open: iterate it in one thread, cancel it from any."""

    def __iter__(self) -> Iterator[Reply]:
        """Messages as they come. Raises KillcordError when it is cut."""
        raise NotImplementedError

    def cancel(self) -> None:
        """Ends it, also in the middle of waiting for a message."""
        raise NotImplementedError


class Transport:
    """One way to the server. Every method may be called from any thread."""

    name = ""
    #: How many sessions one watch takes.
    watch_ids_max = 0

    def call(self, call: Call, seconds: float) -> Reply:
        """Makes a call once and waits for its answer. Raises KillcordError."""
        raise NotImplementedError

    def begin(
        self, call: Call, seconds: float, done: Callable[[Reply | None, KillcordError | None], None]
    ) -> Callable[[], None]:
        """Makes a call once; `done` gets its answer or its error, in another thread, exactly once.

        Answers a function that gives the call up.
        """
        raise NotImplementedError

    def watch(self, session_ids: Sequence[str], resume_token: str) -> Stream:
        """Messages have `session` or `bookmark`, `revision`, `resume_token`; it ends when all of them
        have stopped."""
        raise NotImplementedError

    def watch_escalation(self, escalation_id: str) -> Stream:
        """Messages have `escalation` or `bookmark`; it ends when it is resolved."""
        raise NotImplementedError

    def close(self) -> None:
        """Ends what is open. What is called later fails."""
        raise NotImplementedError


#: Codes of gRPC and Connect by what they mean to a caller.
_DENIED = ("unauthenticated", "permission_denied")
_AGAIN = ("unavailable", "deadline_exceeded")
#: The server took nothing, and says so; it may take the same a moment later.
_BUSY = ("overloaded", "rate_limited")


def refusal(status: str, code: str, message: str) -> KillcordError:
    """The error of an answer: its status as gRPC names it, its code of docs/errors.md, its text."""
    said = f"{code or status}: {message}" if message else code or status
    if status in _DENIED:
        hint = "" if status != "unauthenticated" else "; check KILLCORD_API_KEY"
        return AccessDenied(said + hint, code=code or status)
    if status in _AGAIN or code in _BUSY:
        return ServerUnreachable(said, code=code or status)
    return KillcordError(said, code=code or status)
