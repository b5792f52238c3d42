"""From the start of a session to its end, in threads and in coroutines."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
import uuid
import weakref
from collections.abc import Coroutine
from typing import Any, TypeVar

from . import _aio, _clock, _wire
from ._asking import Asker
from ._opened import Opened
from ._retry import Attempts
from ._run import Run
from ._state import session_of
from ._tasks import Scope
from ._threads import spawn
from ._wire import Reply
from .client import Client
from .errors import ServerUnreachable, SessionTerminated

log = logging.getLogger("killcord")

T = TypeVar("T")


class Life:
    def __init__(
        self,
        client: Client,
        body: dict[str, Any],
        *,
        on_lease_lost: str,
        grace_seconds: float,
        when_paused: str,
        on_escalate: str,
        fail_open: bool,
        timeout_seconds: float,
    ) -> None:
        self._client = client
        self._body = body
        self._on_lease_lost = on_lease_lost
        self._grace = grace_seconds
        self._when_paused = when_paused
        self._on_escalate = on_escalate
        self._fail_open = fail_open
        self._timeout = timeout_seconds
        self._opened: Opened | None = None
        self._scope: Scope | None = None
        self._lock = threading.Lock()
        self._started = False
        self._abandoned = False
        self._closed = False

    def now(self) -> Opened:
        """The session that is open. Raises RuntimeError before that."""
        opened = self._opened
        if opened is None:
            raise RuntimeError("killcord: the session is not open; use it inside its `with` block")
        opened.here()
        return opened

    # Threads.

    def start(self) -> None:
        with self._lock:
            if self._started:
                raise RuntimeError("killcord: a session is started once; make another RuntimeSession")
            self._started = True
        sent_at, reply = self._ask_for_it()
        state = session_of(reply)
        asked = self._body.get("lease_seconds")
        if asked is not None and state.lease_seconds is None:
            log.warning("the server keeps no leases: %s keeps its own, and nobody else's", state.session_id)
        lease = state.lease_seconds or asked
        run = Run(state, lease_seconds=lease, on_lease_lost=self._on_lease_lost, sent_at=sent_at)
        client = self._client
        asker = Asker(
            run,
            lambda: client._transport,
            self._timeout,
            self._when_paused,
            self._on_escalate,
            self._fail_open,
            lambda: client._keeper.ask_now(run),
        )
        opened = Opened(self._client, run, asker, self._grace)
        # A session that nobody holds any more is not kept alive either.
        finalizer: Any = weakref.finalize(self, opened.drop)
        finalizer.atexit = False
        with self._lock:
            self._opened = opened
            abandoned = self._abandoned
        self._client._follow(run)
        # It may be the answer to a repeated start, of a session that was stopped meanwhile.
        run.heard(state, sent_at=sent_at)
        if abandoned:
            self._close_quietly()
        elif run.stop is not None:
            self.close()

    def close(self) -> None:
        """Raises SessionTerminated when the run was stopped."""
        with self._lock:
            opened = self._opened
            if opened is None or self._closed:
                return
            self._closed = True
        run = opened.run
        run.check_lease()
        opened.finish()
        if opened.here():
            if run.stop is None:
                opened.end(self._timeout)
            if run.stop is not None:
                opened.wait_ended(self._grace, self._timeout)
        if run.stop is None:
            opened.leave()
        elif run.stop.status != "ended":
            raise run.terminated()

    def leave(self, error: BaseException | None) -> None:
        """Leaves the block; what its body raised goes first."""
        if error is None:
            self.close()
        else:
            self._close_quietly()

    def _close_quietly(self) -> None:
        with contextlib.suppress(SessionTerminated):
            self.close()

    def _ask_for_it(self) -> tuple[float, Reply]:
        """One session, however often it must be asked for: the repeats have one idempotency key."""
        call = _wire.start({**self._body, "idempotency_key": uuid.uuid4().hex})
        attempts = Attempts(self._timeout)
        while True:
            sent_at = _clock.now()
            try:
                return sent_at, self._client._call(call, attempts.seconds())
            except ServerUnreachable as error:
                pause = attempts.pause_after(error)
            time.sleep(pause)

    # Coroutines.

    async def aenter(self) -> None:
        try:
            await _aio.in_thread("start", self.start)
        except asyncio.CancelledError:
            with self._lock:
                self._abandoned = True
                opened = self._opened
            # A session that is about to be opened is ended by the thread that opens it.
            if opened is not None:
                spawn("close", self._close_quietly)
            raise
        opened = self.now()
        opened.callbacks.loop = asyncio.get_running_loop()
        self._scope = Scope(opened.run)
        try:
            self._scope.enter()
        except SessionTerminated:
            await _aio.in_thread("close", self._close_quietly)
            raise

    async def aleave(self, error: BaseException | None) -> None:
        opened, scope = self.now(), self._scope
        ours = scope is not None and scope.leave(error)
        await _aio.in_thread("close", self._close_quietly)
        stop = opened.run.stop
        if stop is not None and (ours or (error is None and stop.status != "ended")):
            raise opened.run.terminated() from error

    def create_task(self, coro: Coroutine[Any, Any, T], name: str | None) -> asyncio.Task[T]:
        opened = self.now()
        if self._scope is None:
            self._scope = Scope(opened.run)
        return self._scope.start(coro, name)
