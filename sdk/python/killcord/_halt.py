"""What happens in a process after the stop of a run: say so, tell who asked to be told, wait, say so."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Awaitable
from typing import Any, Callable, Union

from . import _clock, _wire
from ._callbacks import Callbacks
from ._retry import Backoff
from ._run import Run, failure
from ._threads import spawn
from .errors import KillcordError, ServerUnreachable, SessionTerminated

log = logging.getLogger("killcord")

#: Told how the run was stopped.
StopCallback = Callable[[SessionTerminated], Union[None, Awaitable[None]]]

_ACKNOWLEDGE_SECONDS = 10.0
#: One that stopped itself waits for the server to make a stop of that, which has a name to acknowledge.
_UNNAMED_SECONDS = 120.0


class Halting:
    """The stop of one run, from its first word to its last."""

    def __init__(
        self,
        run: Run,
        call: Callable[[_wire.Call, float], Any],
        callbacks: Callbacks,
        grace_seconds: float,
        done: Callable[[], None],
    ) -> None:
        self._run = run
        self._call = call
        self._grace = grace_seconds
        self._done = done
        self._callbacks = callbacks
        self._waiting: list[StopCallback] = []
        self._lock = threading.Lock()
        self._began = False
        #: Set when the last word is said, or nobody will hear it.
        self.finished = threading.Event()

    def add(self, callback: StopCallback) -> None:
        with self._lock:
            if not self._began:
                self._waiting.append(callback)
                return
        self._callbacks.tell(callback, self._run.terminated())

    def begin(self) -> None:
        """The run has stopped. Does not wait."""
        with self._lock:
            if self._began:
                return
            self._began = True
        spawn("stop", self._see_through)
        for callback in self._waiting:
            self._callbacks.tell(callback, self._run.terminated())

    def _see_through(self) -> None:
        spawn("grace", self._see_to_the_end)
        try:
            self._say()
        finally:
            self.finished.set()
            self._done()

    def _say(self) -> None:
        stop = self._run.terminated()
        if stop.stop_reason in ("access_denied", "session_not_found"):
            # The server would not hear it.
            return
        if stop.status == "ended":
            # Nobody ordered a stop, so there is none to acknowledge; but nothing more is allowed.
            return
        if not self._wait(lambda: self._run.halt_id != "", _UNNAMED_SECONDS):
            return
        if self._run.busy:
            self._acknowledge("stopping", lambda: not self._run.busy)
        self._wait(lambda: not self._run.busy, None)
        self._acknowledge("stopped", lambda: False)

    def _see_to_the_end(self) -> None:
        """After the grace ends what is left once more, and says that it has not ended."""
        if self._wait(lambda: not self._run.busy, self._grace):
            return
        log.warning(
            "session %s was stopped, and its work has not ended within %g s; STOPPED is said when it does",
            self._run.session_id,
            self._grace,
        )
        while self._run.busy:
            for work in list(self._run.work):
                work.cancel(True)
            self._wait(lambda: not self._run.busy, 1.0)

    def _wait(self, happened: Callable[[], bool], seconds: float | None) -> bool:
        with self._run.changed:
            return self._run.changed.wait_for(happened, seconds)

    def _acknowledge(self, phase: str, late: Callable[[], bool]) -> None:
        """Says it until the server has heard it, for 10 seconds, or until it is late for that."""
        run = self._run
        evidence = "tasks_cancelled" if phase == "stopped" else None
        call = _wire.acknowledge(run.session_id, run.halt_id, phase, evidence)
        end, backoff = _clock.now() + _ACKNOWLEDGE_SECONDS, Backoff(1.0)
        while True:
            try:
                self._call(call, 2.0)
                return
            except ServerUnreachable as error:
                if late():
                    return
                if _clock.now() >= end:
                    log.warning("session %s: %s could not be said: %s", run.session_id, phase, failure(error))
                    return
                time.sleep(backoff.next())
            except KillcordError as error:
                log.warning("session %s: %s was not taken: %s", run.session_id, phase, failure(error))
                return
