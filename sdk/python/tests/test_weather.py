"""Bad weather: no answer is no permission, and it is said once."""

import logging
import socket

import pytest
from http1 import Http1
from waiting import until

from killcord import (
    AccessDenied,
    ActionBlocked,
    Client,
    KillcordError,
    RuntimeSession,
    ServerUnreachable,
    SessionPaused,
    SessionTerminated,
)


def opened(client, **options):
    return RuntimeSession(client, **{"agent_id": "loan-bot", **options})


@pytest.fixture
def nobody():
    """An address where nobody listens, kept from others."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


def test_a_start_without_a_server_fails(nobody, transport):
    with Client(nobody, "kc_any", transport=transport, timeout_seconds=0.3) as client:
        with pytest.raises(ServerUnreachable, match=r"no answer within 0.3 s.*KILLCORD_URL"), opened(client):
            raise AssertionError("nobody has opened it")


def test_a_start_fails_without_a_server_also_where_failing_open_was_asked_for(nobody, transport):
    with Client(nobody, "kc_any", transport=transport, timeout_seconds=0.3) as client:
        with pytest.raises(ServerUnreachable), opened(client, fail_open=True):
            raise AssertionError("nobody has opened it")


def test_a_start_waits_for_a_server_that_comes_within_its_timeout(server, weather, far):
    weather.refuse()
    sess = opened(far, timeout_seconds=20)
    import threading

    threading.Timer(0.3, weather.clear).start()
    with sess:
        sess.intercept("transfer_funds")


def test_a_start_whose_answer_was_lost_opens_one_session(server, weather, far):
    agent = f"lost-{far.transport}"
    weather.cut_after_next_request()
    with opened(far, agent_id=agent, timeout_seconds=20) as sess:
        assert [each["session_id"] for each in server.sessions(agent)] == [sess.session_id]


def test_an_intercept_whose_answer_was_lost_is_counted_once(server, weather, far):
    with opened(far) as sess:
        sess.intercept("transfer_funds")
        weather.cut_after_next_request()
        assert sess.intercept("transfer_funds", timeout_seconds=20).decision == "allow"
        assert server.session(sess.session_id)["consumed"]["actions"] == 2


def test_without_an_answer_nothing_is_allowed(server, weather, far):
    with opened(far) as sess:
        weather.refuse()
        with pytest.raises(ServerUnreachable, match="no answer within 0.3 s"):
            sess.intercept("transfer_funds", timeout_seconds=0.3)
        weather.clear()
        assert sess.intercept("transfer_funds", timeout_seconds=20).decision == "allow"


def test_a_connection_that_swallows_everything_ends_with_the_timeout(server, weather, far):
    with opened(far, timeout_seconds=0.5) as sess:
        weather.swallow()
        with pytest.raises(ServerUnreachable):
            sess.intercept("transfer_funds")
        weather.clear()


def test_failing_open_is_logged_each_time_and_never_passes_a_known_stop(server, weather, far, caplog):
    with pytest.raises(SessionTerminated), opened(far, fail_open=True, timeout_seconds=0.3) as sess:
        assert not sess.intercept("transfer_funds").offline
        weather.refuse()
        for _ in range(2):
            verdict = sess.intercept("transfer_funds")
            assert (verdict.decision, verdict.decision_id, verdict.offline) == ("allow", "", True)
        assert sum("fail_open: transfer_funds" in each.message for each in caplog.records) == 2
        server.kill(sess.session_id)
        weather.clear()
        assert sess.wait_stopped(20)
        weather.refuse()
        with pytest.raises(SessionTerminated):
            sess.intercept("transfer_funds")


def test_failing_open_does_not_pass_a_stop_that_comes_while_nobody_answers(client, monkeypatch):
    with pytest.raises(SessionTerminated, match="meanwhile"):
        with opened(client, fail_open=True) as sess:

            def unanswered(call, seconds):
                sess._life.now().run.force_stop("meanwhile")
                raise ServerUnreachable("nobody is there")

            monkeypatch.setattr(client._transport, "call", unanswered)
            with pytest.raises(SessionTerminated):
                sess.intercept("transfer_funds", timeout_seconds=0)


@pytest.mark.parametrize("lease_seconds", [30, None])
def test_a_key_that_is_revoked_in_the_middle_stops_the_run(server, transport, lease_seconds):
    made = server.ask("/v1/keys", {"name": "a bot's", "roles": ["agent"]})
    with Client(server.url, made["secret"], transport=transport) as client:
        with pytest.raises(SessionTerminated) as caught, opened(client, lease_seconds=lease_seconds) as sess:
            sess.intercept("transfer_funds")
            server.ask(f"/v1/keys/{made['key']['key_id']}/revoke", {"reason": "lost"})
            with pytest.raises((AccessDenied, SessionTerminated)):
                sess.intercept("transfer_funds")
            assert sess.wait_stopped(20)
            sess.guard()
    assert (caught.value.status, caught.value.stop_reason) == ("killed", "access_denied")


def test_a_key_that_is_refused_once_stops_nothing(server):
    refused = []

    def change(path, reply):
        if not path.endswith("/heartbeat") or refused:
            return 200, reply
        refused.append(path)
        return 401, {"error": {"code": "invalid_api_key", "message": "not yet known here"}}

    with Http1(server.address, change=change) as proxy:
        with (
            Client(proxy.url, server.key, transport="rest") as client,
            opened(client, lease_seconds=2) as sess,
        ):
            until(lambda: len([each for each in proxy.paths if each.endswith("/heartbeat")]) > 1)
            sess.guard()


def test_a_session_that_the_server_does_not_know_is_stopped(server):
    def change(path, reply):
        if path.endswith(("/intercept", "/heartbeat")):
            return 404, {"error": {"code": "session_not_found", "message": "no such session"}}
        return 200, reply

    with (
        Http1(server.address, change=change) as proxy,
        Client(proxy.url, server.key, transport="rest") as client,
    ):
        with pytest.raises(SessionTerminated) as caught, opened(client, lease_seconds=None) as sess:
            with pytest.raises(KillcordError, match="session_not_found"):
                sess.intercept("transfer_funds")
            assert sess.wait_stopped(20)
            sess.guard()
    assert caught.value.stop_reason == "session_not_found"
    assert caught.value.code == "session_terminated"


def test_a_credential_that_is_revoked_stops_its_run(server, transport):
    name = f"pay-bot-{transport}"
    secret = server.ask("/v1/enforce/agents", {"name": name})["credential"]
    with Client(server.url, secret["secret"], transport=transport) as client:
        with (
            pytest.raises(SessionTerminated, match="credential_revoked"),
            opened(client, agent_id=None) as sess,
        ):
            server.ask(f"/v1/enforce/credentials/{secret['credential_id']}/revoke", {})
            assert sess.wait_stopped(20)
            sess.guard()


@pytest.mark.parametrize("word", ["hold", ""])
def test_a_verdict_of_a_newer_server_is_a_refusal(server, word):
    def change(path, reply):
        return 200, {**reply, "decision": word} if path.endswith("/intercept") else reply

    with Http1(server.address, change=change) as proxy:
        with Client(proxy.url, server.key, transport="rest") as client, opened(client) as sess:
            with pytest.raises(ActionBlocked, match="does not know"):
                sess.intercept("transfer_funds")


@pytest.mark.parametrize(
    ("status", "error"), [("frozen", ActionBlocked), ("", ActionBlocked), ("paused", SessionPaused)]
)
def test_an_allow_with_a_status_that_does_not_go_on_is_a_refusal(server, status, error):
    def change(path, reply):
        return 200, {**reply, "session_status": status} if path.endswith("/intercept") else reply

    with Http1(server.address, change=change) as proxy:
        with Client(proxy.url, server.key, transport="rest") as client, opened(client) as sess:
            with pytest.raises(error) as caught:
                sess.intercept("transfer_funds")
            assert caught.value.code == ("session_paused" if error is SessionPaused else "action_blocked")


def test_a_status_of_a_newer_server_is_a_refusal(server):
    def change(path, reply):
        return 200, {**reply, "status": "frozen"} if path.endswith("/start") else reply

    with Http1(server.address, change=change, streams=False) as proxy:
        with Client(proxy.url, server.key, transport="rest") as client, opened(client) as sess:
            with pytest.raises(ActionBlocked, match="frozen"):
                sess.guard()


def test_words_of_a_newer_server_are_read_from_gRPC_too():
    from killcord import _messages, _proto

    answer = _proto.message("killcord.v1.InterceptResponse").FromString(b"\x08\x09\x70\x0b")
    assert _messages.reply(answer) == {"decision": "unknown(9)", "session_status": "unknown(11)"}


def test_closing_in_bad_weather_takes_no_longer_than_its_timeout(server, weather, far, caplog):
    with opened(far, timeout_seconds=0.3):
        weather.refuse()
    assert any("could not be ended" in each.message for each in caplog.records)


def test_an_outage_is_one_line_of_the_log(server, weather, far, caplog, monkeypatch):
    monkeypatch.setattr("killcord._retry._LAST_SECONDS", 0.05)
    with caplog.at_level(logging.WARNING, "killcord"):
        with opened(far, timeout_seconds=0.5):
            until(lambda: far._watch.token)
            before = weather.connections
            weather.refuse()
            until(lambda: weather.connections >= before + 3)
            weather.clear()
    assert len([each for each in caplog.records if "watch" in each.message]) == 1
