"""Killcord: asks before an agent acts, and stops it when it is told to.

    from killcord import auto, RuntimeSession, SessionTerminated
    client = auto.client()
    with RuntimeSession(client, agent_id="loan-bot", budgets={"max_actions": 200}) as sess:
        sess.intercept("transfer_funds", action_content="pay 5 to 4711")

docs/sdk-python.md has the rest. Everything is logged to the logger "killcord", and nothing is printed.
"""

from . import auto
from ._money import Cost
from ._options import Budgets
from ._state import PolicyWarning, Settlement, Verdict
from ._wire import VERSION as __version__
from .client import Client
from .errors import (
    AccessDenied,
    ActionBlocked,
    ActionEscalated,
    KillcordError,
    Policy,
    ServerUnreachable,
    SessionPaused,
    SessionTerminated,
)
from .reservation import Reservation
from .session import RuntimeSession

__all__ = [
    "AccessDenied",
    "ActionBlocked",
    "ActionEscalated",
    "Budgets",
    "Client",
    "Cost",
    "KillcordError",
    "Policy",
    "PolicyWarning",
    "Reservation",
    "RuntimeSession",
    "ServerUnreachable",
    "SessionPaused",
    "SessionTerminated",
    "Settlement",
    "Verdict",
    "__version__",
    "auto",
]
