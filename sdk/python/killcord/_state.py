"""What the server says of a session and of an action, whichever way it came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import Policy, SessionTerminated

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
class PolicyWarning:
    """Something that a run should know; it goes on."""

    #: Which policy warns; `__soft_limit` for a share of a budget that is used.
    policy_id: str
    message: str


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
    #: Ids of the policies that had a say, and what each said.
    policies: list[str] = field(default_factory=list)
    policies_triggered: list[Policy] = field(default_factory=list)
    #: Those in shadow mode that would have had one.
    policies_shadowed: list[Policy] = field(default_factory=list)
    #: What the run should know beside it; `on_warning` is told as well.
    warnings: list[PolicyWarning] = field(default_factory=list)
    #: `actions`, `tokens`, `cost_usd_micros`, `elapsed_seconds`, after this action.
    consumed: dict[str, int] = field(default_factory=dict)
    #: `tokens`, `cost_usd_micros` that are held for actions that are not settled.
    reserved: dict[str, int] = field(default_factory=dict)
    #: `actions`, `tokens`, `cost_usd_micros`, `ttl_seconds`, `idle_seconds`: the least that is left, of
    #: the session and all that it is a part of. What is missing is not limited.
    budget_left: dict[str, int] = field(default_factory=dict)
    #: What to do next, as text for people.
    next_step: str = ""
    #: What a person has to approve, or has approved; "" for none.
    escalation_id: str = ""
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
    triggered = [_policy(each) for each in reply.get("policies_triggered") or ()]
    return Verdict(
        decision=str(reply.get("decision") or ""),
        decision_id=str(reply.get("decision_id") or ""),
        reasoning=str(reply.get("reasoning") or ""),
        vault_entry_id=str(reply.get("vault_entry_id") or ""),
        policies=[each.policy_id for each in triggered],
        policies_triggered=triggered,
        policies_shadowed=[_policy(each) for each in reply.get("policies_shadowed") or ()],
        warnings=_warnings(reply),
        consumed=_numbers(reply.get("consumed")),
        reserved=_numbers(reply.get("reserved")),
        budget_left=_numbers(reply.get("budget_left")),
        next_step=str(reply.get("next_step") or ""),
        escalation_id=str(reply.get("escalation_id") or ""),
    )


@dataclass(frozen=True)
class Settlement:
    """How a reservation was closed."""

    decision_id: str
    #: `settled`, `cancelled`, or `lapsed`: nothing was said in time, and the estimate is spent.
    outcome: str
    #: `tokens`, `cost_usd_micros`: what is spent for the action, as far as it fits into the budgets.
    spent: dict[str, int]
    #: What it did cost; None when nobody said.
    reported: dict[str, int] | None
    #: What the session has used now.
    consumed: dict[str, int]
    #: What the run should know beside it; `on_warning` is told as well.
    warnings: list[PolicyWarning] = field(default_factory=list)


def settlement_of(reply: Mapping[str, Any]) -> Settlement:
    """Reads how a reservation was closed in the form of REST."""
    reported = reply.get("reported")
    return Settlement(
        decision_id=str(reply.get("decision_id") or ""),
        outcome=str(reply.get("outcome") or ""),
        spent=_amounts(reply.get("spent")),
        reported=None if reported is None else _amounts(reported),
        consumed=_numbers(reply.get("consumed")),
        warnings=_warnings(reply),
    )


def _warnings(reply: Mapping[str, Any]) -> list[PolicyWarning]:
    return [
        PolicyWarning(str(each.get("policy_id") or ""), str(each.get("message") or ""))
        for each in reply.get("warnings") or ()
    ]


def _policy(said: Mapping[str, Any]) -> Policy:
    version = said.get("version")
    return Policy(
        policy_id=str(said.get("policy_id") or ""),
        name=str(said.get("name") or ""),
        decision=str(said.get("decision") or ""),
        reason=str(said.get("reason") or ""),
        version=None if version is None else int(version),
    )


def _numbers(said: Mapping[str, Any] | None) -> dict[str, int]:
    return {str(name): int(value) for name, value in (said or {}).items()}


def _amounts(said: Mapping[str, Any] | None) -> dict[str, int]:
    """gRPC leaves out what is nothing."""
    return {"tokens": 0, "cost_usd_micros": 0, **_numbers(said)}
