"""After a stop: what is called, what is said, and that STOPPED is said only when it is true."""

import asyncio
import logging
import threading

import pytest
from waiting import phases, until

from killcord import RuntimeSession, SessionTerminated


def opened(client, **options):
    return RuntimeSession(client, **{"agent_id": "loan-bot", **options})


def test_stopping_is_said_at_once_and_stopped_when_the_work_has_ended(server, client):
    with pytest.raises(SessionTerminated), opened(client) as sess:
        server.kill(sess.session_id)
        # The block is still open: it is stopping, and has not stopped.
        until(lambda: "halt_acknowledged" in phases(server, sess.session_id))
        assert "halt_confirmed" not in phases(server, sess.session_id)
    # Leaving has waited for it.
    assert phases(server, sess.session_id)[-2:] == ["halt_acknowledged", "halt_confirmed"]


def test_stopped_names_its_evidence(server, client):
    with pytest.raises(SessionTerminated), opened(client) as sess:
        server.kill(sess.session_id)
        sess.wait_stopped(20)
    confirmed = [each for each in server.sealed(sess.session_id) if each["event"] == "halt_confirmed"]
    assert "tasks_cancelled" in confirmed[0]["content"].lower()


def test_work_that_outlives_its_grace_is_not_said_to_have_stopped(server, client, caplog):
    finish, begun = threading.Event(), threading.Event()

    def slow():
        begun.set()
        finish.wait()

    sess = opened(client, grace_seconds=0.05)
    with pytest.raises(SessionTerminated), sess:
        worker = threading.Thread(target=lambda: ignore(sess.wrap(slow)))
        worker.start()
        begun.wait()
        server.kill(sess.session_id)
        sess.wait_stopped(20)
    # The block is left, the tool goes on.
    until(lambda: any("has not ended" in each.message for each in caplog.records))
    assert "halt_confirmed" not in phases(server, sess.session_id)
    finish.set()
    worker.join()
    until(lambda: "halt_confirmed" in phases(server, sess.session_id))


def ignore(fn):
    try:
        fn()
    except SessionTerminated:
        pass


def test_everybody_who_asked_is_told_whatever_the_others_do(server, client, caplog):
    told, hang = [], threading.Event()
    with pytest.raises(SessionTerminated), opened(client, grace_seconds=0.05) as sess:

        @sess.on_stop
        def throws(stop):
            raise ValueError("broken callback")

        @sess.on_stop
        def hangs(stop):
            hang.wait()

        @sess.on_stop
        def works(stop):
            told.append(stop)

        @sess.on_stop
        async def awaits(stop):
            await asyncio.sleep(0)
            told.append(stop)

        server.kill(sess.session_id, "enough")
        until(lambda: len(told) == 2)
        # It is over by now; who asks later is told at once.
        sess.on_stop(told.append)
        until(lambda: len(told) == 3)
    assert {str(each) for each in told} == {f"session {sess.session_id} killed (manual): enough"}
    assert phases(server, sess.session_id)[-1] == "halt_confirmed"
    broken = [each for each in caplog.records if each.exc_info]
    assert [str(each.exc_info[1]) for each in broken] == ["broken callback"]
    hang.set()


def test_a_coroutine_callback_runs_on_the_loop_of_the_session(server, client):
    async def main():
        loops = []

        async def told(stop):
            loops.append(asyncio.get_running_loop())

        with pytest.raises(SessionTerminated):
            async with opened(client) as sess:
                sess.on_stop(told)
                server.kill(sess.session_id)
                await asyncio.sleep(60)
        while not loops:
            await asyncio.sleep(0.01)
        assert loops == [asyncio.get_running_loop()]

    asyncio.run(main())


def test_a_stop_between_the_start_and_the_first_message_of_the_watch_is_heard(server, client, monkeypatch):
    """The kill is sealed before anything watches: only the watch's snapshot can tell of it."""
    from killcord._watch import Watch

    add = Watch.add

    def late(self, run):
        server.kill(run.session_id)
        add(self, run)

    monkeypatch.setattr(Watch, "add", late)
    with pytest.raises(SessionTerminated, match="manual"), opened(client) as sess:
        assert sess.wait_stopped(20)
        sess.guard()


def test_a_stop_is_logged_once(server, client, caplog):
    with caplog.at_level(logging.WARNING, "killcord"):
        with pytest.raises(SessionTerminated), opened(client) as sess:
            server.kill(sess.session_id)
            sess.wait_stopped(20)
            for _ in range(3):
                with pytest.raises(SessionTerminated):
                    sess.intercept("transfer_funds")
    assert [each.message for each in caplog.records] == [
        f"session {sess.session_id} killed (manual): manual stop"
    ]


def test_threads_stop_at_their_guard(server, client):
    with pytest.raises(SessionTerminated), opened(client) as sess:
        stops = []

        def work():
            try:
                while True:
                    sess.guard()
                    sess.wait_stopped(0.01)
            except SessionTerminated as stop:
                stops.append(stop)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for each in threads:
            each.start()
        server.kill(sess.session_id)
        for each in threads:
            each.join(20)
        assert len(stops) == 4
        assert len({id(each) for each in stops}) == 4
