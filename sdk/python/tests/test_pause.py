"""A run that is held: refused by default, waiting where that was asked for."""

import asyncio
import threading

import pytest
from waiting import until

from killcord import ActionBlocked, RuntimeSession, SessionPaused, SessionTerminated


def opened(client, **options):
    return RuntimeSession(client, **{"agent_id": "loan-bot", **options})


def test_a_paused_run_is_refused_until_it_is_resumed(server, client):
    events = []
    with opened(client) as sess:
        sess.on_pause(lambda reason: events.append(("pause", reason)))
        sess.on_resume(lambda: events.append(("resume",)))
        server.pause(sess.session_id, "look first")
        with pytest.raises(SessionPaused) as refusal:
            sess.intercept("transfer_funds")
        assert isinstance(refusal.value, ActionBlocked)
        assert refusal.value.decision_id.startswith("enf_")
        until(lambda: events)
        with pytest.raises(SessionPaused, match="look first"):
            sess.guard()
        server.resume(sess.session_id)
        until(lambda: len(events) == 2)
        sess.guard()
        assert sess.intercept("transfer_funds").decision == "allow"
    assert events == [("pause", "look first"), ("resume",)]


def test_one_that_waits_goes_on_when_it_is_resumed(server, client):
    with opened(client, when_paused="wait") as sess:
        server.pause(sess.session_id)
        until(lambda: sess.status == "paused")
        sess.on_resume(lambda: None)
        done = []
        asking = threading.Thread(
            target=lambda: done.append((sess.guard(), sess.intercept("transfer_funds").decision))
        )
        asking.start()
        assert done == []
        server.resume(sess.session_id)
        asking.join(20)
        assert done == [(None, "allow")]


def test_a_coroutine_that_waits_goes_on_when_it_is_resumed(server, client):
    async def main():
        async with opened(client, when_paused="wait") as sess:
            server.pause(sess.session_id)
            asking = asyncio.ensure_future(sess.aintercept("transfer_funds"))
            while sess.status != "paused":
                await asyncio.sleep(0.01)
            assert not asking.done()
            # Waiting would hold the loop up.
            with pytest.raises(SessionPaused):
                sess.guard()
            server.resume(sess.session_id)
            assert (await asking).decision == "allow"

    asyncio.run(main())


def test_a_stop_ends_the_wait(server, client):
    with pytest.raises(SessionTerminated), opened(client, when_paused="wait") as sess:
        server.pause(sess.session_id)
        until(lambda: sess.status == "paused")
        server.kill(sess.session_id)
        sess.guard()
