"""The watch: one for all sessions of a client, opened again when it is cut, done without when it must be."""

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
from http1 import Http1
from waiting import until

from killcord import Client, RuntimeSession, SessionTerminated


def opened(client, **options):
    return RuntimeSession(client, **{"agent_id": "loan-bot", **options})


def watches(proxy):
    return [path for path in proxy.paths if "sessions:watch" in path]


def test_sessions_that_start_together_share_one_watch(server):
    with Http1(server.address) as proxy, Client(proxy.url, server.key, transport="rest") as client:
        sessions = [opened(client) for _ in range(10)]
        with ThreadPoolExecutor() as pool:
            list(pool.map(RuntimeSession.start, sessions))
        until(lambda: watches(proxy) and watches(proxy)[-1].count("session_ids") == 10)
        assert len(watches(proxy)) < 10
        for each in sessions:
            server.kill(each.session_id)
        assert all(each.wait_stopped(20) for each in sessions)
        for each in sessions:
            with pytest.raises(SessionTerminated):
                each.close()


def test_a_watch_that_is_cut_is_opened_again_and_says_so_once(server, weather, far, caplog):
    with pytest.raises(SessionTerminated), opened(far) as sess:
        until(lambda: far._watch.token)
        with caplog.at_level(logging.INFO, "killcord"):
            weather.refuse()
            until(lambda: "watch was cut" in caplog.text)
            # It is killed while nobody can tell it.
            server.kill(sess.session_id)
            weather.clear()
            assert sess.wait_stopped(20)
        assert sum("watch was cut" in each.message for each in caplog.records) == 1


def test_runs_that_end_one_after_the_other_do_not_put_the_watch_off(server, transport):
    with Client(server.url, server.key, transport=transport) as client:
        for _ in range(6):
            with pytest.raises(SessionTerminated), opened(client) as sess:
                server.kill(sess.session_id)
                assert sess.wait_stopped(20)
            # The watch ends with its last session: that is no failure to wait longer after each time.
            until(lambda: not client._watch._runs)
        assert client._watch._backoff._bound <= 0.2


def test_a_server_that_starts_anew_finds_its_watchers_again(own_server, transport):
    with Client(own_server.url, own_server.key, transport=transport) as client:
        with pytest.raises(SessionTerminated), opened(client) as sess:
            until(lambda: client._watch.token)
            own_server.restart()
            sess.intercept("transfer_funds", timeout_seconds=20)
            own_server.kill(sess.session_id)
            assert sess.wait_stopped(20)


def test_where_no_stream_passes_heartbeats_tell_of_the_stop(server, monkeypatch, caplog):
    monkeypatch.setattr("killcord._watch._FIRST_SECONDS", 0.2)
    with Http1(server.address, streams=False) as proxy:
        with Client(proxy.url, server.key, transport="rest") as client:
            with pytest.raises(SessionTerminated), opened(client) as sess:
                until(lambda: client._watch.impossible)
                server.kill(sess.session_id)
                assert sess.wait_stopped(20)
    assert any(path.endswith("/heartbeat") for path in proxy.paths)
    assert sum("no stream can be had" in each.message for each in caplog.records) == 1


def test_a_server_without_the_method_is_asked_by_heartbeats(server, caplog):
    with Http1(server.address) as proxy:
        with Client(proxy.url, server.key, transport="rest") as client:
            client._transport.watch = lambda ids, token: Client._rest(client).watch(ids, "bad\n" + token)
            client._transport.watch = missing(client._transport.watch)
            with pytest.raises(SessionTerminated), opened(client) as sess:
                until(lambda: client._watch.impossible)
                server.kill(sess.session_id)
                assert sess.wait_stopped(20)


def missing(watch):
    """As an older server answers: there is no such route."""
    from killcord._wire import Stream, refusal

    class Missing(Stream):
        def __iter__(self):
            raise refusal("unimplemented", "", "there is no WatchSessions here")

        def cancel(self):
            pass

    return lambda ids, token: Missing()


def test_where_gRPC_does_not_pass_rest_does_and_it_is_said_once(server, caplog):
    with Http1(server.address) as proxy, Client(proxy.url, server.key) as client:
        assert client.transport == "gRPC"
        with pytest.raises(SessionTerminated), opened(client, timeout_seconds=20) as sess:
            assert client.transport == "REST"
            server.kill(sess.session_id)
            assert sess.wait_stopped(20)
    assert sum("REST does" in each.message for each in caplog.records) == 1


def test_a_token_of_another_log_is_forgotten_and_said_once(server, own_server, client, caplog):
    foreign = client._watch.token = token_of(own_server)
    with pytest.raises(SessionTerminated), opened(client) as sess:
        until(lambda: "rolled back" in caplog.text)
        until(lambda: client._watch.token not in ("", foreign))
        server.kill(sess.session_id)
        assert sess.wait_stopped(20)
    assert sum("rolled back" in each.message for each in caplog.records) == 1


def token_of(server):
    with Client(server.url, server.key, transport="rest") as other, opened(other):
        return until(lambda: other._watch.token)


def test_states_only_ever_advance():
    from killcord._run import Run
    from killcord._state import SessionState

    run = Run(SessionState("sess_1", "active"), lease_seconds=None, on_lease_lost="kill", sent_at=0)
    seen = []
    run.listen(seen.append)
    run.heard(SessionState("sess_1", "paused"), revision=10)
    run.heard(SessionState("sess_1", "active"), revision=9)
    assert run.status == "paused"
    # An answer to what was asked before the pause was heard tells nothing of it.
    run.heard(SessionState("sess_1", "active"), sent_at=0)
    assert run.status == "paused"
    run.heard(SessionState("sess_1", "active"), revision=11)
    assert run.status == "active"
    run.heard(SessionState("sess_1", "killed", stop_reason="manual"), revision=3)
    assert run.status == "killed"
    run.heard(SessionState("sess_1", "active"), revision=12)
    run.heard(SessionState("sess_1", "expired"), revision=12)
    assert run.status == "killed"
    assert seen == ["pause", "resume", "stop"]
