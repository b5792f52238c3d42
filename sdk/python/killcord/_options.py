"""What a session is opened with."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

#: What happens to a run that hears nothing for the length of its lease.
LeaseLost = Literal["kill", "pause", "continue"]
#: What guard and intercept do while a run is held.
WhenPaused = Literal["throw", "wait"]


class Budgets(TypedDict, total=False):
    """The limits of a run. What is left out is not limited."""

    #: Number of actions: with N, action N+1 is the first that is terminated.
    max_actions: int
    #: Seconds from the start until it expires.
    ttl_seconds: int
    #: Seconds without an intercept until it expires.
    idle_timeout_seconds: int
    on_exceeded: Literal["terminate"]


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
        "budgets": dict(budgets) if budgets is not None else None,
        "label": label,
        "credential_id": credential_id,
        "parent_session_id": parent_session_id,
        "lease_seconds": lease_seconds,
        "on_lease_lost": on_lease_lost if lease_seconds is not None else None,
    }
    return {name: value for name, value in given.items() if value is not None}
