"""What a session is opened with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

from ._money import Usd, invalid, usd_text

#: What happens to a run that hears nothing for the length of its lease.
LeaseLost = Literal["kill", "pause", "continue"]
#: What guard and intercept do while a run is held.
WhenPaused = Literal["throw", "wait"]
#: What intercept does with an action that a person has to approve.
OnEscalate = Literal["wait", "raise"]


class Budgets(TypedDict, total=False):
    """The limits of a run. What is left out is not limited."""

    #: Number of actions: with N, action N+1 is the first that does not fit.
    max_actions: int
    #: Number of tokens, in all actions together.
    max_tokens: int
    #: USD, in all actions together, exact to a millionth.
    max_cost_usd: Usd
    #: Seconds from the start until it expires.
    ttl_seconds: int
    #: Seconds without an intercept until it expires.
    idle_timeout_seconds: int
    #: Levels of sub-sessions below this one, 1 to 8.
    max_depth: int
    #: Actions under way at once, here and in sub-sessions, 1 to 1000: those that hold an estimate.
    max_concurrent: int
    #: Warns when so much of a budget is used: whole percentages, 1 to 99, at most 8.
    warn_at_percent: Sequence[int]
    #: What an action does that does not fit: stops the run, or holds it until the budget is raised.
    on_exceeded: Literal["terminate", "pause"]


def budgets_body(budgets: Mapping[str, Any]) -> dict[str, Any]:
    """Budgets as the server takes them; it judges them. Raises KillcordError (`invalid_argument`)."""
    unknown = [each for each in budgets if each not in Budgets.__annotations__]
    if unknown:
        # A mistyped limit would be no limit.
        known = ", ".join(Budgets.__annotations__)
        raise invalid(f"budgets have no {unknown[0]}: there are {known}")
    body = {name: value for name, value in budgets.items() if value is not None}
    if "max_cost_usd" in body:
        body["max_cost_usd"] = usd_text("budgets['max_cost_usd']", body["max_cost_usd"])
    if "warn_at_percent" in body:
        body["warn_at_percent"] = list(body["warn_at_percent"])
    return body


def start_body(
    agent_id: str | None,
    budgets: Budgets | None,
    label: str | None,
    credential_id: str | None,
    parent_session_id: str | None,
    lease_seconds: int | None,
    on_lease_lost: LeaseLost,
) -> dict[str, Any]:
    """The request of a start. What is None is left out of it."""
    if on_lease_lost not in ("kill", "pause", "continue"):
        raise ValueError(f"on_lease_lost is kill, pause or continue, not {on_lease_lost!r}")
    given = {
        "agent_id": agent_id,
        "budgets": budgets_body(budgets) if budgets is not None else None,
        "label": label,
        "credential_id": credential_id,
        "parent_session_id": parent_session_id,
        "lease_seconds": lease_seconds,
        "on_lease_lost": on_lease_lost if lease_seconds is not None else None,
    }
    return {name: value for name, value in given.items() if value is not None}
