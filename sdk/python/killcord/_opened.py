"""A session that is open: its run and all that goes with it, without the object that users hold."""

from __future__ import annotations

import logging
import os
import time
from typing import Any, Callable

from . import _wire
from ._asking import Asker
from ._callbacks import Callbacks
from ._halt import Halting
from ._retry import Attempts
from ._run import Run, failure
from ._settling import Settler
from ._state import PolicyWarning, session_of
from .client import Client
from .errors import KillcordError

log = logging.getLogger("killcord")

#: Different ones that are logged of one session.
_WARNINGS_MAX = 256


class Opened:
    def __init__(self, client: Client, run: Run, asker: Asker, grace_seconds: float) -> None:
        self.run = run
        self.asker = asker
        self.settler = Settler(asker.transport, asker.timeout_seconds, self._warned)
        self.callbacks = Callbacks(run.session_id)
        self.halting = Halting(run, client._call, self.callbacks, grace_seconds, self.leave)
        self.on_pause: list[Callable[[str], Any]] = []
        self.on_resume: list[Callable[[], Any]] = []
        self.on_warning: list[Callable[[PolicyWarning], Any]] = []
        self._warnings_said: set[PolicyWarning] = set()
        self._client = client
        self._pid = os.getpid()
        self._finished = False
        run.begin()
        run.listen(self._heard)
        run.warned = self._warned

    def here(self) -> bool:
        """Whether this is the process that opened it, and not a child of that.

        A child hears of a stop too, by a watch of its own. It neither ends the session nor says that
        it has stopped: that is its parent's.
        """
        if self._pid == os.getpid():
            return True
        if self.run.watched_by != os.getpid():
            self.run.watched_by = os.getpid()
            self._client._follow(self.run)
        return False

    def finish(self) -> None:
        """The block is left: this much of the work has ended."""
        if not self._finished:
            self._finished = True
            self.run.closing = self.run.stop is None
            self.run.finish()

    def end(self, timeout_seconds: float) -> None:
        """Tells the server that the run is over. What it answers may be that it was stopped before."""
        attempts = Attempts(timeout_seconds)
        call = _wire.end(self.run.session_id)
        while True:
            try:
                self.run.heard(session_of(self._client._call(call, attempts.seconds())))
                return
            except KillcordError as error:
                try:
                    pause = attempts.pause_after(error)
                except KillcordError as last:
                    log.warning("session %s could not be ended: %s", self.run.session_id, failure(last))
                    return
            time.sleep(pause)

    def wait_ended(self, grace_seconds: float, timeout_seconds: float) -> None:
        """After a stop: until the rest of the work has ended and the server knows it, or time is over."""
        changed = self.run.changed
        with changed:
            if not changed.wait_for(lambda: not self.run.busy, grace_seconds):
                return
        if self.run.halt_id or self.run.status == "ended":
            self.halting.finished.wait(timeout_seconds)

    def leave(self) -> None:
        """Nobody need follow the run any more."""
        self._client._leave(self.run)

    def drop(self) -> None:
        """Nobody holds the session any more: it is not kept alive, and its lease ends it."""
        if self.run.stop is None:
            self._client._leave(self.run)

    def _warned(self, warning: PolicyWarning) -> None:
        """What nobody listens to is logged, each once."""
        for on_warning in list(self.on_warning):
            self.callbacks.tell(on_warning, warning)
        if self.on_warning or warning in self._warnings_said or len(self._warnings_said) >= _WARNINGS_MAX:
            return
        self._warnings_said.add(warning)
        log.warning("session %s: %s (%s)", self.run.session_id, warning.message, warning.policy_id)

    def _heard(self, what: str) -> None:
        session_id = self.run.session_id
        if what == "stop":
            log.warning("%s", self.run.terminated())
            self.halting.begin()
        elif what == "pause":
            log.warning("session %s is paused", session_id)
            for on_pause in list(self.on_pause):
                self.callbacks.tell(on_pause, self.run.pause_reason)
        elif what == "resume":
            log.info("session %s goes on", session_id)
            for on_resume in list(self.on_resume):
                self.callbacks.tell(on_resume)
        else:
            log.warning("session %s has heard nothing within its lease, and goes on as was asked", session_id)
