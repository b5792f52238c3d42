"""Killcord: asks before an agent acts, and stops it when it is told to.

    from killcord import auto, RuntimeSession, SessionTerminated
    client = auto.client()
    with RuntimeSession(client, agent_id="loan-bot", budgets={"max_actions": 200}) as sess:
        sess.intercept("transfer_funds", action_content="pay 5 to 4711")

docs/sdk-python.md has the rest. Everything is logged to the logger "killcord", and nothing is printed.
"""

from . import auto
from ._options import Budgets
from ._state import Verdict
from ._wire import VERSION as __version__
from .client import Client
from .errors import (
    AccessDenied,
    ActionBlocked,
    ActionEscalated,
    KillcordError,
    ServerUnreachable,
    SessionPaused,
    SessionTerminated,
)
from .session import RuntimeSession

__all__ = [
    "AccessDenied",
    "ActionBlocked",
    "ActionEscalated",
    "Budgets",
    "Client",
    "KillcordError",
    "RuntimeSession",
    "ServerUnreachable",
    "SessionPaused",
    "SessionTerminated",
    "Verdict",
    "__version__",
    "auto",
]
