"""The clock that leases are counted on."""

from __future__ import annotations

import sys
import time

_CLOCK: int | None = None
if sys.platform != "win32" and hasattr(time, "CLOCK_BOOTTIME"):
    # Goes on while the machine sleeps, as the server's does.
    _CLOCK = time.CLOCK_BOOTTIME
elif sys.platform == "darwin":
    # That of time.monotonic() stands still while the machine sleeps; this one does not.
    _CLOCK = time.CLOCK_MONOTONIC


def now() -> float:
    """Seconds on a clock that nobody can set, that never stands still, with an arbitrary beginning."""
    return time.monotonic() if _CLOCK is None else time.clock_gettime(_CLOCK)
