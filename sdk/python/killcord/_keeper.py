"""Keeps the leases of a client's sessions: signs of life in time, and an end when nothing is heard."""

from __future__ import annotations

import logging
import random
import threading
from typing import Callable

from . import _clock, _wire
from ._run import Run, failure
from ._state import session_of
from ._threads import spawn
from ._wire import Reply, Transport
from .errors import AccessDenied, KillcordError

log = logging.getLogger("killcord")

#: Where heartbeats must tell of stops.
_POLL_SECONDS = 1.0
_CALL_SECONDS = 5.0
#: Many sessions are looked at together.
_STEP_SECONDS = 0.01
#: How long one that stopped itself asks which stop the server made of that.
_UNNAMED_SECONDS = 120.0


class _Kept:
    def __init__(self, run: Run) -> None:
        self.run = run
        self.asking = False
        #: Whether it is asked about at once, whatever its lease says.
        self.urgent = False
        #: How often the key was refused since it last was taken.
        self.denials = 0
        self.not_before = 0.0
        self.stopped_at: float | None = None


class Keeper:
    def __init__(self, transport: Callable[[], Transport], polling: Callable[[], bool]) -> None:
        self._transport = transport
        self._polling = polling
        self._kept: dict[str, _Kept] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._silent = False

    def add(self, run: Run) -> None:
        with self._changed:
            self._kept[run.session_id] = _Kept(run)
            if self._thread is None and not self._closed:
                self._thread = spawn("leases", self._keep)
            self._changed.notify_all()

    def remove(self, run: Run) -> None:
        with self._changed:
            self._kept.pop(run.session_id, None)

    def ask_now(self, run: Run) -> None:
        """Something was refused: finds out whether any stop could still reach the run."""
        with self._changed:
            kept = self._kept.get(run.session_id)
            if kept is not None:
                kept.urgent = True
            self._changed.notify_all()

    def wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        self._closed = True
        self.wake()

    def _keep(self) -> None:
        while not self._closed:
            with self._changed:
                rows = list(self._kept.values())
            # The ends of leases first: after a sleep of the process they are what matters.
            for kept in rows:
                kept.run.check_lease()
            now = _clock.now()
            for kept in rows:
                due = self._due(kept)
                if due is not None and due <= now:
                    self._ask(kept)
            self._rest(rows)

    def _rest(self, rows: list[_Kept]) -> None:
        ends = [end for kept in rows for end in (self._due(kept), self._end(kept)) if end is not None]
        with self._changed:
            if len(self._kept) == len(rows):
                wait = max(_STEP_SECONDS, min(ends) - _clock.now()) if ends else None
                self._changed.wait(wait)

    def _end(self, kept: _Kept) -> float | None:
        end = kept.run.lease_end()
        # One that is over is either stopped or held, and waits for an answer.
        return end if end is not None and kept.run.stop is None and end > _clock.now() else None

    def _due(self, kept: _Kept) -> float | None:
        """When the next sign of life is due; None when none is."""
        run = kept.run
        if kept.asking or run.closing:
            return None
        if run.stop is not None:
            return self._due_of_stopped(kept)
        if kept.urgent:
            return kept.not_before
        lease = run.lease_seconds
        if self._polling():
            every = _POLL_SECONDS if lease is None else min(_POLL_SECONDS, lease / 3)
        elif lease is not None:
            every = lease / 3
        else:
            return None
        return max(run.sent_at + every, kept.not_before)

    def _due_of_stopped(self, kept: _Kept) -> float | None:
        """Stopped by its own lease, it asks for the name of its stop, without renewing anything."""
        if kept.run.halt_id or kept.run.stop is None or kept.run.stop.stop_reason != "lease_lost":
            return None
        if kept.stopped_at is None:
            kept.stopped_at = _clock.now()
        if _clock.now() - kept.stopped_at > _UNNAMED_SECONDS:
            return None
        return max(kept.stopped_at + _POLL_SECONDS, kept.not_before)

    def _ask(self, kept: _Kept) -> None:
        run = kept.run
        stopped = run.stop is not None
        call = _wire.get(run.session_id) if stopped else _wire.heartbeat(run.session_id)
        sent_at = _clock.now() if stopped else run.sent()
        lease = run.lease_seconds
        seconds = _CALL_SECONDS if lease is None else min(_CALL_SECONDS, max(0.5, lease / 3))
        kept.asking = True
        kept.urgent = False

        def done(reply: Reply | None, error: KillcordError | None) -> None:
            kept.asking = False
            kept.not_before = _clock.now() + (_POLL_SECONDS if stopped else 0)
            if reply is not None:
                self._silent = False
                kept.denials = 0
                if not stopped:
                    run.answered(sent_at)
                run.heard(session_of(reply), sent_at=sent_at)
            elif error is not None and (stopped or not self._refused(kept, error)):
                self._unanswered(kept, error)
            self.wake()

        try:
            self._transport().begin(call, seconds, done)
        except KillcordError as error:
            done(None, error)

    def _refused(self, kept: _Kept, error: KillcordError) -> bool:
        """Stops a run that no stop could reach any more. Answers whether that is what the error is of."""
        if isinstance(error, AccessDenied):
            # A revocation is not one moment with the stops that it brings about: a credential that was
            # refused may hear of its stop when it asks once more.
            kept.denials += 1
            kept.urgent = kept.denials == 1
            if not kept.urgent:
                kept.run.lose("access_denied", error)
            return True
        if error.code == "session_not_found":
            kept.run.lose("session_not_found", error)
            return True
        return False

    def _unanswered(self, kept: _Kept, error: KillcordError) -> None:
        lease = kept.run.lease_seconds
        again_seconds = 1.0 if lease is None else min(1.0, lease / 6)
        kept.not_before = _clock.now() + random.uniform(0.3, 1.0) * again_seconds
        # The run's own calls put the next one off; one that failed must not.
        kept.run.sent_at = min(kept.run.sent_at, kept.run.answered_at)
        if not self._silent and kept.run.stop is None:
            self._silent = True
            until = kept.run.lease_end()
            left = "" if until is None else f"; its lease ends in {max(0.0, until - _clock.now()):.0f} s"
            session_id = kept.run.session_id
            log.warning("session %s: a sign of life was not answered%s: %s", session_id, left, failure(error))
