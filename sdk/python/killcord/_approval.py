"""Follows an action that was escalated until a person has said yes or no, or it is too late.

A watch tells it the moment that it is sealed; where none comes through, it is asked for every second.
"""

from __future__ import annotations

import logging
import threading
from typing import Any, Callable

from . import _aio, _clock, _wire
from ._retry import Backoff
from ._run import Run, failure
from ._threads import spawn
from ._wire import Reply, Stream, Transport
from .errors import ActionBlocked, ActionEscalated, KillcordError, ServerUnreachable

log = logging.getLogger("killcord")

#: The first message of a watch comes at once, where streams are possible.
_FIRST_SECONDS = 10.0
#: A watch says something every 15 seconds at least.
_SILENCE_SECONDS = 30.0
_POLL_SECONDS = 1.0
_CALL_SECONDS = 2.0


class Approval:
    """What becomes of one escalation, as a thread of its own hears of it."""

    def __init__(self, run: Run, transport: Callable[[], Transport], escalated: ActionEscalated) -> None:
        self._run = run
        self._transport = transport
        self._escalated = escalated
        self._answer: Reply | None = None
        self._error: KillcordError | None = None
        self._over = threading.Event()
        self._stream: Stream | None = None
        self._streams = True
        self._heard_at = _clock.now()
        self._told = False

    def wait(self) -> None:
        """Returns when it is approved. The lease bounds how long it waits without a server.

        Raises ActionBlocked when it is rejected or has expired, SessionTerminated at once when the run
        is stopped, KillcordError when the server will not tell it.
        """
        run = self._run
        spawn("approval", self._follow)
        spawn("approval-watch", self._cut_when_silent)
        try:
            with run.changed:
                while run.stop is None and not self._settled():
                    run.changed.wait(0.2 if run.lease_seconds is not None else None)
                    run.check_lease()
        finally:
            self.cancel()
        run.check_stopped()
        if self._error is not None:
            raise self._error
        if self._answer is None or self._answer.get("status") != "approved":
            raise _refused(self._escalated, self._answer or {})

    async def await_it(self) -> None:
        """The same, without holding up the event loop."""
        try:
            await _aio.in_thread("approved", self.wait)
        finally:
            self.cancel()

    def cancel(self) -> None:
        """Nobody waits any more."""
        self._over.set()
        stream = self._stream
        if stream is not None:
            stream.cancel()
        with self._run.changed:
            self._run.changed.notify_all()

    def _settled(self) -> bool:
        return self._answer is not None or self._error is not None or self._over.is_set()

    def _follow(self) -> None:
        backoff = Backoff(_POLL_SECONDS)
        try:
            while not self._settled():
                if self._streams:
                    self._watch()
                if not self._settled():
                    self._ask()
                if not self._settled():
                    self._over.wait(backoff.next() if self._streams else _POLL_SECONDS)
        except KillcordError as error:
            self._error = error
        finally:
            self.cancel()

    def _watch(self) -> None:
        self._heard_at, self._told = _clock.now(), False
        stream = self._transport().watch_escalation(self._escalated.escalation_id)
        self._stream = stream
        try:
            for message in stream:
                self._heard_at, self._told = _clock.now(), True
                self._take(message.get("escalation"))
                if self._settled():
                    return
        except ServerUnreachable as error:
            log.debug("the watch of an escalation was cut: %s", failure(error))
        except KillcordError:
            # Whoever does not let it through may let a question through; and that says what is refused.
            self._streams = False
        finally:
            self._stream = None

    def _ask(self) -> None:
        try:
            call = _wire.escalation_status(self._escalated.escalation_id)
            self._take(self._transport().call(call, _CALL_SECONDS))
        except ServerUnreachable as error:
            log.debug("the state of an escalation was asked for in vain: %s", failure(error))

    def _take(self, told: Any) -> None:
        if isinstance(told, dict) and told.get("status") not in (None, "pending"):
            self._answer = told

    def _cut_when_silent(self) -> None:
        """Ends a watch on which nothing comes: another is tried, or none."""
        while not self._over.wait(_POLL_SECONDS):
            stream = self._stream
            if stream is None or _clock.now() - self._heard_at < self._patience():
                continue
            self._streams = self._told
            stream.cancel()

    def _patience(self) -> float:
        return _SILENCE_SECONDS if self._told else _FIRST_SECONDS


def _refused(escalated: ActionEscalated, answer: Reply) -> ActionBlocked:
    status, reason = answer.get("status"), str(answer.get("resolution_reason") or "")
    why = f": {reason}" if reason else ""
    if status == "rejected":
        reasoning = f"a person has rejected it{why}"
        next_step = "leave this action out, or ask the person who rejected it"
    elif status == "expired":
        reasoning = f"nobody approved it in time{why}"
        next_step = "ask for it again if it is still wanted"
    else:
        reasoning = f"its approval came to {status}, which this version of killcord does not know"
        next_step = "bring the package up to date"
    return ActionBlocked(
        f"blocked: {reasoning}",
        reasoning=reasoning,
        decision_id=escalated.decision_id,
        policies=escalated.policies,
        policies_triggered=escalated.policies_triggered,
        next_step=next_step,
    )
