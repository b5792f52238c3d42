"""Threads that never keep a process alive.

Those of concurrent.futures are waited for when the interpreter ends, however long their call takes.
"""

from __future__ import annotations

import logging
import queue
import threading
from typing import Callable

log = logging.getLogger("killcord")

_THREADS_MAX = 64
_IDLE_SECONDS = 10.0


def spawn(name: str, run: Callable[[], None]) -> threading.Thread:
    """Runs a function in a thread of its own; what it raises is logged."""

    def guarded() -> None:
        try:
            run()
        except Exception:
            log.exception("a thread of killcord failed (%s)", name)

    thread = threading.Thread(target=guarded, name=f"killcord-{name}", daemon=True)
    thread.start()
    return thread


class DaemonPool:
    """Runs short blocking calls beside each other: at most 64 at once, the others wait in line."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._waiting: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._idle = 0
        self._threads = 0

    def submit(self, run: Callable[[], None]) -> None:
        with self._lock:
            self._waiting.put(run)
            if self._idle >= self._waiting.qsize() or self._threads >= _THREADS_MAX:
                return
            self._threads += 1
        spawn(self._name, self._work)

    def _work(self) -> None:
        while True:
            with self._lock:
                self._idle += 1
            try:
                run = self._waiting.get(timeout=_IDLE_SECONDS)
            except queue.Empty:
                with self._lock:
                    self._idle -= 1
                    # One that was put in the meantime counted on this thread.
                    if self._waiting.empty():
                        self._threads -= 1
                        return
                continue
            with self._lock:
                self._idle -= 1
            try:
                run()
            except Exception:
                log.exception("a thread of killcord failed (%s)", self._name)
