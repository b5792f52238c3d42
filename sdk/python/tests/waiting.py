"""Waits for what must happen: by asking again and again, with an end that only a failure reaches."""

import time

PATIENCE_SECONDS = 20


def until(happened, what="what was waited for"):
    """Answers the first true value of `happened()`."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not (value := happened()):
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not happen in {PATIENCE_SECONDS} s")
        time.sleep(0.005)
    return value


def phases(server, session_id):
    """What was sealed of a session's stop."""
    return [each["event"] for each in server.sealed(session_id) if each["event"].startswith("halt_")]
