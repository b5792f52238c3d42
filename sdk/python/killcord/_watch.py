"""The one watch of a process and client, which all its sessions share."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Sequence
from typing import Callable

from . import _clock
from ._retry import Backoff
from ._run import Run, failure
from ._state import session_of
from ._threads import spawn
from ._wire import Reply, Stream, Transport
from .errors import AccessDenied, KillcordError, ServerUnreachable

log = logging.getLogger("killcord")

#: Sessions that start together get one watch.
_DEBOUNCE_SECONDS = 0.02
#: A new watch tells all of them anew: the more there are, the longer it waits for others.
_SESSION_SECONDS = 0.0001
_DEBOUNCE_SECONDS_MAX = 1.0
#: The first message of a watch comes at once, where streams are possible.
_FIRST_SECONDS = 10.0
#: A watch says something every 15 seconds at least.
_SILENCE_SECONDS = 30.0
#: How long heartbeats do its work before it is tried again.
_WITHOUT_SECONDS = 60.0
#: Clients of a server that is about to stop come back one after the other.
_DRAIN_SECONDS = 1.0
#: A stream that was of use for so long begins with the shortest pause again.
_LASTING_SECONDS = 5.0
_IMPOSSIBLE = ("unimplemented", "route_not_found", "http2_required", "method_not_allowed")


class _Reader:
    """One stream, read in a thread of its own."""

    def __init__(self, watch: Watch, stream: Stream, ids: frozenset[str]) -> None:
        self.ids = ids
        self.told = False
        self.ended = False
        self.draining = False
        self.error: KillcordError | None = None
        self.heard_at = _clock.now()
        self.began_at = self.heard_at
        self._watch = watch
        self._stream = stream
        spawn("watch", self._read)

    def silent_at(self) -> float:
        """When nobody is there any more, unless something is heard before."""
        return self.heard_at + (_SILENCE_SECONDS if self.told else _FIRST_SECONDS)

    def cancel(self) -> None:
        self._stream.cancel()

    def _read(self) -> None:
        try:
            for message in self._stream:
                self.heard_at = _clock.now()
                self._take(message)
        except KillcordError as error:
            self.error = error
        except Exception as error:  # A message that nobody can read: like a stream that was cut.
            self.error = ServerUnreachable(f"the watch says what cannot be read: {error!r}")
        finally:
            self.ended = True
            self._watch.wake()

    def _take(self, message: Reply) -> None:
        session, bookmark = message.get("session"), message.get("bookmark")
        revision = int(str(message.get("revision") or 0))
        if isinstance(session, dict):
            self._watch.heard(session, revision)
        elif bookmark is not None:
            self._watch.token = str(message.get("resume_token") or "")
            if isinstance(bookmark, dict) and bookmark.get("draining"):
                self.draining = True
                self._watch.put_off(random.uniform(0, _DRAIN_SECONDS))
            self.told = True
            self._watch.wake()


class Watch:
    """Opens streams for the sessions that are live, and opens them again when they are cut."""

    def __init__(self, transport: Callable[[], Transport], changed: Callable[[], None]) -> None:
        self.token = ""
        #: Whether heartbeats must tell what a watch would.
        self.impossible = False
        self._transport = transport
        self._changed = changed
        self._runs: dict[str, Run] = {}
        self._wanted = threading.Condition()
        self._woken = False
        self._thread: threading.Thread | None = None
        self._closed = False
        self._backoff = Backoff()
        self._not_before = 0.0
        self._said = ""

    def add(self, run: Run) -> None:
        with self._wanted:
            self._runs[run.session_id] = run
            if self._thread is None and not self._closed:
                self._thread = spawn("watches", self._manage)
        self.wake()

    def remove(self, run: Run) -> None:
        with self._wanted:
            self._runs.pop(run.session_id, None)
        self.wake()

    def close(self) -> None:
        self._closed = True
        self.wake()

    def wake(self) -> None:
        with self._wanted:
            self._woken = True
            self._wanted.notify_all()

    def put_off(self, seconds: float) -> None:
        """Opens nothing for so long."""
        self._not_before = max(self._not_before, _clock.now() + seconds)

    def heard(self, session: dict[str, object], revision: int) -> None:
        run = self._runs.get(str(session.get("session_id")))
        if run is not None:
            run.heard(session_of(session), revision=revision)

    def _manage(self) -> None:
        open_now: list[_Reader] = []
        opening: list[_Reader] = []
        while not self._closed:
            opening = self._settled(open_now, opening)
            open_now = [each for each in open_now if not each.ended]
            ids = frozenset(self._runs)
            covered = frozenset().union(*(each.ids for each in open_now)) if open_now else frozenset()
            draining = any(each.draining for each in open_now)
            if not opening and ids and (not ids <= covered or draining) and _clock.now() >= self._not_before:
                opening = self._open(ids)
            elif not ids:
                self._cancel(open_now + opening)
                open_now, opening = [], []
            self._rest(open_now + opening, bool(ids))
            if opening and all(each.told for each in opening):
                # Made before the old ones are broken: at no moment is nobody listening.
                self._cancel(open_now)
                open_now, opening = opening, []
                self._works()
        self._cancel(open_now + opening)

    def _open(self, ids: frozenset[str]) -> list[_Reader]:
        transport = self._transport()
        size = transport.watch_ids_max
        rows: list[str] = sorted(ids)
        parts: Sequence[list[str]] = [rows[at : at + size] for at in range(0, len(rows), size)]
        # One token tells one stream where to go on: the others get a snapshot, which is as good.
        token = self.token if len(parts) == 1 else ""
        return [_Reader(self, transport.watch(part, token), frozenset(part)) for part in parts]

    def _settled(self, open_now: list[_Reader], opening: list[_Reader]) -> list[_Reader]:
        """What became of the streams; answers those that are still being opened."""
        now = _clock.now()
        for reader in open_now + opening:
            if not reader.ended and now >= reader.silent_at():
                reader.ended, reader.error = True, None
                reader.cancel()
                if not reader.told:
                    self._cannot(f"no first message came in {_FIRST_SECONDS:g} s")
        for reader in open_now + opening:
            if reader.ended:
                self._failed(reader)
        if any(each.ended for each in opening):
            self._cancel(opening)
            return []
        return opening

    def _failed(self, reader: _Reader) -> None:
        """A stream has ended: by itself, when all its sessions have stopped, or cut."""
        error = reader.error
        by_itself = error is None and not reader.draining and reader.heard_at > reader.began_at
        if by_itself or (reader.told and _clock.now() - reader.began_at > _LASTING_SECONDS):
            # Runs that end one after the other are no trouble: the next must not wait to be watched.
            self._backoff.reset()
        pause = self._backoff.next()
        if error is None:
            pass
        elif error.code == "data_loss":
            self.token = ""
            self._say(f"the server does not have what it said before; was it rolled back? {failure(error)}")
        elif error.code in _IMPOSSIBLE:
            self._cannot(failure(error))
            return
        elif isinstance(error, AccessDenied):
            self._say(f"the watch is refused: {failure(error)}")
        elif not reader.draining:
            self._say(f"the watch was cut, and is opened again: {failure(error)}")
        self.put_off(pause)

    def _cannot(self, why: str) -> None:
        self._not_before = _clock.now() + _WITHOUT_SECONDS
        if not self.impossible:
            self.impossible = True
            log.warning("no stream can be had from the server, heartbeats tell of stops instead: %s", why)
            self._changed()

    def _works(self) -> None:
        if self._said:
            log.info("the watch is open again")
        self._said = ""
        if self.impossible:
            self.impossible = False
            self._changed()

    def _say(self, what: str) -> None:
        """Once for each time that it stops working, not once a retry."""
        if not self._said:
            log.warning("%s", what)
        self._said = what

    def _rest(self, readers: list[_Reader], wanted: bool) -> None:
        """Waits for something to do."""
        with self._wanted:
            if not self._woken:
                self._wanted.wait(self._seconds(readers, wanted))
            self._woken = False
        if not self._closed and wanted:
            # What else comes in this moment is done in one go.
            self._debounce()

    def _debounce(self) -> None:
        seconds = _DEBOUNCE_SECONDS + _SESSION_SECONDS * len(self._runs)
        end = _clock.now() + min(seconds, _DEBOUNCE_SECONDS_MAX)
        with self._wanted:
            while not self._closed and (left := end - _clock.now()) > 0:
                self._wanted.wait(left)

    def _seconds(self, readers: list[_Reader], wanted: bool) -> float | None:
        now = _clock.now()
        ends = [each.silent_at() for each in readers if not each.ended]
        if wanted and self._not_before > now:
            ends.append(self._not_before)
        return max(0.0, min(ends) - now) + 0.001 if ends else None

    @staticmethod
    def _cancel(readers: list[_Reader]) -> None:
        for reader in readers:
            reader.cancel()
