"""What the server says of a session and of an action, whichever way it came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import SessionTerminated

ACTIVE = "active"
PAUSED = "paused"
TERMINAL = ("killed", "expired", "ended")


@dataclass(frozen=True)
class SessionState:
    """A session as the server last told it. Times are left to those who ask the server for them."""

    session_id: str
    #: `active`, `paused`, `killed`, `expired`, `ended`, or a word of a newer server.
    status: str
    stop_reason: str = ""
    #: Why it is stopped or held, as text for people.
    reason: str = ""
    #: The stop or the pause to acknowledge; "" when there is none.
    halt_id: str = ""
    #: What the server keeps; None when it keeps no lease.
    lease_seconds: int | None = None

    @property
    def terminal(self) -> bool:
        return self.status in TERMINAL

    def terminated(self) -> SessionTerminated:
        """The error that says so."""
        return SessionTerminated(
            self.session_id,
            status=self.status,
            stop_reason=self.stop_reason,
            reason=self.reason,
            halt_id=self.halt_id,
        )


@dataclass(frozen=True)
class Verdict:
    """The answer to an intercept. Only `allow` is returned; the others are raised."""

    #: `allow`, `block`, `escalate`, `terminate`, or a word of a newer server.
    decision: str
    #: `enf_` and 12 hex digits; "" when the action was let pass without the server.
    decision_id: str = ""
    reasoning: str = ""
    #: The sealed entry, `ve_` and 24 hex digits.
    vault_entry_id: str = ""
    #: Ids of the policies that had a say.
    policies: list[str] = field(default_factory=list)
    #: `actions`, `tokens`, `cost_usd_micros`, `elapsed_seconds`, after this action.
    consumed: dict[str, int] = field(default_factory=dict)
    #: Whether nobody was asked: the server could not be reached, and `fail_open` was asked for.
    offline: bool = False


def session_of(reply: Mapping[str, Any]) -> SessionState:
    """Reads a session in the form of REST. Raises KeyError when it is none."""
    status = str(reply["status"])
    reason = reply.get("pause_reason") if status == PAUSED else reply.get("kill_reason")
    lease = reply.get("lease_seconds")
    return SessionState(
        session_id=str(reply["session_id"]),
        status=status,
        stop_reason=str(reply.get("stop_reason") or ""),
        reason=str(reason or ""),
        halt_id=str(reply.get("halt_id") or ""),
        lease_seconds=int(lease) if lease is not None else None,
    )


def session_of_verdict(reply: Mapping[str, Any]) -> SessionState | None:
    """What an answer to an intercept says of its session; None when it says nothing."""
    if not reply.get("session_id") or not reply.get("session_status"):
        return None
    return SessionState(
        session_id=str(reply["session_id"]),
        status=str(reply["session_status"]),
        stop_reason=str(reply.get("stop_reason") or ""),
        reason=str(reply.get("reasoning") or ""),
        halt_id=str(reply.get("halt_id") or ""),
    )


def verdict_of(reply: Mapping[str, Any]) -> Verdict:
    """Reads the answer to an intercept in the form of REST."""
    consumed = reply.get("consumed") or {}
    return Verdict(
        decision=str(reply.get("decision") or ""),
        decision_id=str(reply.get("decision_id") or ""),
        reasoning=str(reply.get("reasoning") or ""),
        vault_entry_id=str(reply.get("vault_entry_id") or ""),
        policies=[str(each.get("policy_id", "")) for each in reply.get("policies_triggered") or ()],
        consumed={str(name): int(value) for name, value in consumed.items()},
    )
