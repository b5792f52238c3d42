"""Functions of the user's that are told what happened to a run: none waits for another."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable
from typing import Any, Callable

from ._threads import spawn

log = logging.getLogger("killcord")


class Callbacks:
    def __init__(self, session_id: str) -> None:
        self._session_id = session_id
        #: The event loop that coroutine functions run on, if the run has one.
        self.loop: asyncio.AbstractEventLoop | None = None

    def tell(self, callback: Callable[..., Any], *told: object) -> None:
        """Calls it in a thread of its own; a coroutine function goes on on the run's loop."""
        spawn("callback", lambda: self._run(callback, told))

    def _run(self, callback: Callable[..., Any], told: tuple[object, ...]) -> None:
        try:
            begun = callback(*told)
            if inspect.isawaitable(begun):
                self._await(begun)
        except Exception:
            log.exception("a callback of session %s failed", self._session_id)

    def _await(self, begun: Awaitable[Any]) -> None:
        async def run() -> None:
            await begun

        if self.loop is not None and self.loop.is_running():
            asyncio.run_coroutine_threadsafe(run(), self.loop).result()
        else:
            asyncio.run(run())
