"""Leases: only an answered call renews, and the client stops before the server does."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from waiting import phases, until

from killcord import RuntimeSession, SessionPaused, SessionTerminated, _clock
from killcord._run import Run
from killcord._state import SessionState


def opened(client, **options):
    return RuntimeSession(client, **{"agent_id": "loan-bot", "lease_seconds": 2, **options})


def test_the_server_is_told_of_the_lease_and_keeps_thirty_seconds_by_default(server, client):
    with RuntimeSession(client, agent_id="loan-bot") as sess:
        assert server.session(sess.session_id)["lease_seconds"] == 30
    with opened(client, on_lease_lost="pause") as sess:
        shown = server.session(sess.session_id)
        assert (shown["lease_seconds"], shown["on_lease_lost"]) == (2, "pause")


def test_heartbeats_keep_a_run_alive_past_its_lease(server, client):
    with opened(client) as sess:
        run = sess._life.now().run
        end = run.lease_end()
        until(lambda: _clock.now() > end + 0.5)
        sess.guard()
        assert run.lease_end() > end
        assert server.session(sess.session_id)["status"] == "active"


def test_a_run_that_hears_nothing_stops_itself_and_says_so_when_it_can(server, weather, far):
    with pytest.raises(SessionTerminated, match="killed \\(lease_lost\\)"), opened(far) as sess:
        weather.refuse()
        assert sess.wait_stopped(20)
        # The server has not given it up yet: the client goes first.
        assert server.session(sess.session_id)["status"] == "active"
        weather.clear()
        sess.guard()
    # Nothing of it has renewed the lease, so that the server stops it too, and hears that it has ended.
    until(lambda: server.session(sess.session_id)["status"] == "killed")
    assert server.session(sess.session_id)["stop_reason"] == "lease_lost"
    until(lambda: "halt_confirmed" in phases(server, sess.session_id))


def test_messages_of_the_watch_renew_nothing(server, client, monkeypatch):
    monkeypatch.setattr("killcord._keeper.Keeper._ask", lambda self, kept: None)
    with pytest.raises(SessionTerminated, match="lease_lost"), opened(client) as sess:
        for _ in range(3):
            server.pause(sess.session_id)
            until(lambda: sess.status == "paused" or sess.stopped)
            server.resume(sess.session_id)
            until(lambda: sess.status == "active" or sess.stopped)
        assert sess.wait_stopped(20)
        sess.guard()


def test_a_lost_lease_can_hold_the_run_instead(server, weather, far):
    events = []
    with opened(far, on_lease_lost="pause", timeout_seconds=0.3) as sess:
        sess.on_pause(lambda reason: events.append(reason))
        sess.on_resume(lambda: events.append("resume"))
        weather.refuse()
        until(lambda: events)
        with pytest.raises(SessionPaused, match="nothing was heard"):
            sess.guard()
        weather.clear()
        # The server has held nothing yet: an answer is enough.
        until(lambda: "resume" in events or sess.status == "paused")


def test_a_lost_lease_can_be_let_pass(weather, far, caplog):
    with opened(far, on_lease_lost="continue", timeout_seconds=0.3) as sess:
        weather.refuse()
        until(lambda: "goes on as was asked" in caplog.text)
        sess.guard()
        weather.clear()


def test_the_lease_counts_from_the_sending_of_what_was_answered(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(_clock, "now", lambda: now[0])
    run = Run(SessionState("sess_1", "active"), lease_seconds=10, on_lease_lost="kill", sent_at=100.0)
    now[0] = 105.0
    sent_at = run.sent()
    now[0] = 109.0
    run.answered(sent_at)
    assert run.lease_end() == 115.0
    # An older call whose answer comes later takes nothing away.
    run.answered(101.0)
    assert run.lease_end() == 115.0
    now[0] = 114.9
    run.check()
    now[0] = 115.0
    with pytest.raises(SessionTerminated, match="lease_lost"):
        run.check()


def test_a_process_that_was_suspended_looks_at_its_lease_first(server, tmp_path):
    """It is stopped for longer than its lease, between two looks; the next look is a stop."""
    program = tmp_path / "agent.py"
    program.write_text(
        "import sys\n"
        "from killcord import Client, RuntimeSession, SessionTerminated\n"
        f"client = Client({server.url!r}, {server.key!r})\n"
        "try:\n"
        "    with RuntimeSession(client, agent_id='sleeper', lease_seconds=2) as sess:\n"
        "        print(sess.session_id, flush=True)\n"
        "        sys.stdin.readline()\n"
        "        sess.guard()\n"
        "        print('went on', flush=True)\n"
        "except SessionTerminated as stop:\n"
        "    print(stop.stop_reason, flush=True)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen(
        [sys.executable, str(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as child:
        child.stdout.readline()
        child.send_signal(signal.SIGSTOP)
        suspended = threading.Event()
        begun = _clock.now()
        until(lambda: suspended.wait(0.05) or _clock.now() > begun + 2.2)
        child.stdin.write("\n")
        child.stdin.flush()
        child.send_signal(signal.SIGCONT)
        assert child.stdout.readline().strip() == "lease_lost"


def test_a_session_that_nobody_holds_is_not_kept_alive(client):
    import gc

    sess = opened(client)
    sess.start()
    run = sess._life.now().run
    assert run.session_id in client._keeper._kept
    del sess
    gc.collect()
    assert run.session_id not in client._keeper._kept
