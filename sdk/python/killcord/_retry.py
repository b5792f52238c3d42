"""How often, and how long, a call is tried."""

from __future__ import annotations

import random

from . import _clock
from .errors import KillcordError, ServerUnreachable

_FIRST_SECONDS = 0.05
_LAST_SECONDS = 5.0
#: One attempt's share of a call's time: a connection that swallows what it is sent must not take it all.
_ATTEMPT_SECONDS = 2.0


class Backoff:
    """Full jitter: anything from nothing to a bound that doubles from 50 ms to 5 s."""

    def __init__(self, last_seconds: float = _LAST_SECONDS) -> None:
        self._last = last_seconds
        self._bound = _FIRST_SECONDS

    def next(self) -> float:
        """Seconds to wait before the next attempt."""
        bound, self._bound = self._bound, min(self._bound * 2, self._last)
        return random.uniform(0, bound)

    def reset(self) -> None:
        self._bound = _FIRST_SECONDS


class Attempts:
    """The attempts of one call, which together end after its timeout."""

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout = timeout_seconds
        self._end = _clock.now() + timeout_seconds
        self._backoff = Backoff(1.0)

    def seconds(self) -> float:
        """How long the next attempt may take."""
        return max(0.001, min(_ATTEMPT_SECONDS, self._end - _clock.now()))

    def pause_after(self, error: KillcordError) -> float:
        """Seconds to wait before the next attempt. Raises the error when there shall be none."""
        if not isinstance(error, ServerUnreachable):
            raise error
        pause = self._backoff.next()
        if _clock.now() + pause >= self._end:
            raise ServerUnreachable(
                f"no answer within {self._timeout:g} s: {error}. "
                "Nothing was allowed; check that the server runs and that KILLCORD_URL names it",
                code=error.code,
            ) from error
        return pause
