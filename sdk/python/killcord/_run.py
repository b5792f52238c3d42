"""One run as this process knows it: where it stands, how long it may go on unheard, who must be told.

Nothing here waits for the network. What is heard, from a watch, a heartbeat or an answer, goes into
`heard`; what the run does asks `check` first.
"""

from __future__ import annotations

import asyncio
import threading
from typing import Any, Callable, Protocol

from . import _clock
from ._state import ACTIVE, PAUSED, PolicyWarning, SessionState
from .errors import ActionBlocked, KillcordError, SessionPaused, SessionTerminated

LEASE_LOST = "nothing was heard from the server within the lease"


class Work(Protocol):
    """Work of the run that can be ended from outside: tasks of an event loop."""

    def cancel(self, again: bool) -> None:
        """Ends it; from any thread. `again`: it was told before, and its grace is over."""

    def told(self, task: asyncio.Task[Any]) -> None:
        """This task is about to get SessionTerminated: it need not be cancelled as well, at first."""


class Run:
    def __init__(
        self, state: SessionState, *, lease_seconds: int | None, on_lease_lost: str, sent_at: float
    ) -> None:
        self.session_id = state.session_id
        self.lease_seconds = lease_seconds
        self.on_lease_lost = on_lease_lost
        #: Set once, by whatever stopped it first.
        self.stop: SessionTerminated | None = None
        #: Whether its own side ends it: what is heard of that is no stop.
        self.closing = False
        #: When an intercept or a heartbeat was last sent, and when one was last sent that was answered.
        self.sent_at = sent_at
        self.answered_at = sent_at
        #: The stop to acknowledge; "" while it is not known.
        self.halt_id = ""
        self.changed = threading.Condition()
        self.work: list[Work] = []
        #: The child of the opening process whose own watch follows it; None in that process.
        self.watched_by: int | None = None
        self._busy = 0
        self._state = state
        self._state_at = sent_at
        self._revision = -1
        self._lease_said = False
        self._listeners: list[Callable[[str], None]] = []
        #: Told of each warning that comes with a verdict.
        self.warned: Callable[[PolicyWarning], None] = lambda warning: None

    # What is heard.

    def heard(
        self, state: SessionState, *, sent_at: float | None = None, revision: int | None = None
    ) -> None:
        """Takes what the server said: on a watch at `revision`, or in answer to a call sent at `sent_at`.

        A state is only ever advanced. A terminal one is final. An answer tells nothing new of a
        session when its call was sent before the state that is known was heard.
        """
        with self.changed:
            if self.stop is not None:
                self._learn_halt(state)
                return
            if not state.terminal:
                if revision is not None:
                    if revision < self._revision:
                        return
                    self._revision = revision
                elif sent_at is not None and sent_at < self._state_at:
                    return
            before, self._state = self._state.status, state
            if before != state.status:
                self._state_at = _clock.now()
                self.changed.notify_all()
        if state.terminal:
            self._stopped(state)
        elif before != state.status:
            self._tell({PAUSED: "pause", ACTIVE: "resume"}.get(state.status, ""))

    def answered(self, sent_at: float) -> None:
        """The server answered a call of the run that was sent then: this renews the lease."""
        with self.changed:
            self.answered_at = max(self.answered_at, sent_at)
            was_over, self._lease_said = self._lease_said, False
            self.changed.notify_all()
        if was_over and self._state.status == ACTIVE:
            self._tell("resume" if self.on_lease_lost == "pause" else "")

    def sent(self) -> float:
        """A call of the run is about to be sent; answers when."""
        self.sent_at = _clock.now()
        return self.sent_at

    # What the run asks before it goes on.

    def check(self) -> None:
        """Raises SessionTerminated, SessionPaused, or ActionBlocked for a status that is not known."""
        self.check_stopped()
        status = self._state.status
        if status == PAUSED or self.lease_over():
            reason = self.pause_reason
            raise SessionPaused(f"session {self.session_id} is paused: {reason}", reasoning=reason)
        if status != ACTIVE:
            raise ActionBlocked(
                f"session {self.session_id} is {status}, which this version of killcord does not know: "
                "nothing is allowed. Upgrade the package",
                reasoning=status,
            )

    def check_stopped(self) -> None:
        """Raises SessionTerminated. The lease goes first: a process that slept must not act on old news."""
        self.check_lease()
        if self.stop is not None:
            self._told()
            raise self.terminated()

    def terminated(self) -> SessionTerminated:
        """The stop as an error of its own: each thread raises another one. Only after a stop."""
        stop = self.stop
        assert stop is not None
        return SessionTerminated(
            stop.session_id,
            status=stop.status,
            stop_reason=stop.stop_reason,
            reason=stop.reason,
            halt_id=self.halt_id,
        )

    def check_lease(self) -> None:
        """Stops the run when its lease is over, unless it was asked to hold or to go on then."""
        if self.stop is not None or self.closing or not self._lease_ended():
            return
        if self.on_lease_lost == "kill":
            lost = SessionState(self.session_id, "killed", stop_reason="lease_lost", reason=LEASE_LOST)
            self._stopped(lost)
            return
        with self.changed:
            said, self._lease_said = self._lease_said, True
        if not said:
            self._tell("pause" if self.on_lease_lost == "pause" else "lease_lost")

    def lease_over(self) -> bool:
        """Whether it is held because its lease is over."""
        return self.on_lease_lost == "pause" and self._lease_ended()

    def lease_end(self) -> float | None:
        """When the lease ends, on the clock of leases; None without one."""
        return None if self.lease_seconds is None else self.answered_at + self.lease_seconds

    def _lease_ended(self) -> bool:
        return self.lease_seconds is not None and _clock.now() >= self.answered_at + self.lease_seconds

    @property
    def pause_reason(self) -> str:
        return self._state.reason if self._state.status == PAUSED else LEASE_LOST

    @property
    def status(self) -> str:
        return self.stop.status if self.stop is not None else self._state.status

    # Who is told.

    def listen(self, listener: Callable[[str], None]) -> None:
        """Calls it with `stop`, once, and with `pause` and `resume` and `lease_lost`; it must not wait."""
        self._listeners.append(listener)

    def _tell(self, what: str) -> None:
        if what:
            for listener in list(self._listeners):
                listener(what)

    def _stopped(self, state: SessionState) -> None:
        with self.changed:
            if self.stop is not None or (self.closing and state.status == "ended"):
                return
            self.stop = state.terminated()
            self.halt_id = state.halt_id
            work = list(self.work)
            self.changed.notify_all()
        # First what runs, then all else.
        for each in work:
            each.cancel(False)
        self._tell("stop")

    def _learn_halt(self, state: SessionState) -> None:
        """Stopped by its own lease, it hears later which stop the server made of that."""
        if state.halt_id and not self.halt_id and state.terminal and self.stop is not None:
            self.halt_id = state.halt_id
            self.changed.notify_all()

    def force_stop(self, reason: str) -> None:
        """The server has said `terminate` without saying how the session stands."""
        self._stopped(SessionState(self.session_id, "killed", reason=reason))

    def lose(self, stop_reason: str, error: KillcordError) -> None:
        """The server will not speak of the run any more: it stops itself, since no stop could reach it."""
        self._stopped(SessionState(self.session_id, "killed", stop_reason=stop_reason, reason=failure(error)))

    def _told(self) -> None:
        """The task that is about to get SessionTerminated need not be cancelled as well."""
        try:
            task = asyncio.current_task()
        except RuntimeError:
            return
        if task is not None:
            for each in list(self.work):
                each.told(task)

    # What is under way.

    def begin(self) -> None:
        """A piece of work has begun that a stop waits for."""
        with self.changed:
            self._busy += 1

    def finish(self) -> None:
        with self.changed:
            self._busy -= 1
            self.changed.notify_all()

    @property
    def busy(self) -> bool:
        return self._busy > 0

    def wait_resumed(self) -> None:
        """Waits until the run is held no more. Raises SessionTerminated when it stops meanwhile."""
        with self.changed:
            while self.stop is None and (self._state.status == PAUSED or self.lease_over()):
                self.changed.wait(0.2 if self.lease_seconds is not None else None)
                self.check_lease()
        self.check_stopped()

    def after_fork(self) -> None:
        """In a child of this process, where the threads that held or waited for locks do not exist."""
        self.changed = threading.Condition()
        self.work = []
        self._busy = 0
        self._listeners = []


def failure(error: KillcordError) -> str:
    """How a fault of the way is said in the log: without a traceback, in one line."""
    return str(error).replace("\n", " ")[:500]
