"""A session as a block: opened, asked for, ended; and what leaves the block when it was stopped."""

import pytest
from waiting import phases, until

from killcord import (
    AccessDenied,
    Client,
    KillcordError,
    RuntimeSession,
    SessionTerminated,
)


def opened(client, **options):
    return RuntimeSession(client, **{"agent_id": "loan-bot", **options})


def test_a_session_is_open_in_its_block_and_ended_after_it(server, client):
    with opened(client, label="nightly", budgets={"max_actions": 3}) as sess:
        assert server.session(sess.session_id)["status"] == "active"
        verdict = sess.intercept("transfer_funds", action_content="pay 5", metadata={"to": ["4711", 5]})
        assert verdict.decision == "allow"
        assert verdict.consumed["actions"] == 1
        assert verdict.decision_id.startswith("enf_")
    shown = server.session(sess.session_id)
    assert shown["status"] == "ended"
    assert (shown["label"], shown["agent_id"], shown["budgets"]["max_actions"]) == ("nightly", "loan-bot", 3)


def test_an_exhausted_budget_ends_the_block(server, client):
    asked = 0
    with pytest.raises(SessionTerminated) as stop, opened(client, budgets={"max_actions": 2}) as sess:
        for _ in range(5):
            asked += 1
            sess.intercept("transfer_funds")
    assert asked == 3
    told = stop.value
    assert str(told) == f"session {sess.session_id} killed (budget_exceeded): {told.reason}"
    assert (told.status, told.stop_reason) == ("killed", "budget_exceeded")
    assert told.halt_id == server.session(sess.session_id)["halt_id"]


def test_a_kill_is_heard_at_the_guard(server, client):
    with pytest.raises(SessionTerminated, match="killed \\(manual\\): key leaked"), opened(client) as sess:
        sess.guard()
        server.kill(sess.session_id, "key leaked")
        assert sess.wait_stopped(20)
        sess.guard()


def test_a_kill_is_heard_at_the_intercept_without_any_watch(server, client, monkeypatch):
    monkeypatch.setattr("killcord._watch.Watch.add", lambda self, run: None)
    with pytest.raises(SessionTerminated), opened(client) as sess:
        server.kill(sess.session_id)
        sess.intercept("transfer_funds")


def test_what_the_body_raises_leaves_the_block_and_ends_the_session(server, client):
    with pytest.raises(ZeroDivisionError), opened(client) as sess:
        1 / 0  # noqa: B018
    assert server.session(sess.session_id)["status"] == "ended"


def test_what_the_body_raises_goes_before_a_stop(server, client):
    with pytest.raises(ZeroDivisionError), opened(client) as sess:
        server.kill(sess.session_id)
        sess.wait_stopped(20)
        1 / 0  # noqa: B018
    assert server.session(sess.session_id)["status"] == "killed"


def test_a_body_that_never_looked_learns_of_its_stop_when_it_leaves(server, client):
    with pytest.raises(SessionTerminated), opened(client) as sess:
        server.kill(sess.session_id)
    assert until(lambda: "halt_confirmed" in phases(server, sess.session_id))


def test_a_session_that_somebody_else_ended_allows_nothing_and_leaves_in_peace(server, client):
    with opened(client) as sess:
        server.ask(f"/v1/enforce/sessions/{sess.session_id}/end", {})
        assert sess.wait_stopped(20)
        with pytest.raises(SessionTerminated, match="ended"):
            sess.guard()
        with pytest.raises(SessionTerminated, match="ended"):
            sess.intercept("transfer_funds")


def test_a_refused_start_says_why(server, client):
    with pytest.raises(KillcordError, match="max_action"), opened(client, budgets={"max_action": 2}):
        pass
    with pytest.raises(KillcordError) as refusal, opened(client, parent_session_id="sess_00" + "f" * 22):
        pass
    assert refusal.value.code == "session_not_found"


def test_a_session_is_started_once_and_closed_as_often_as_one_likes(client):
    sess = opened(client)
    with pytest.raises(RuntimeError, match="not open"):
        sess.guard()
    with sess:
        with pytest.raises(RuntimeError, match="once"):
            sess.start()
        sess.close()
        sess.close()


def test_the_environment_names_server_key_and_parent(server, monkeypatch):
    monkeypatch.setenv("KILLCORD_URL", server.url)
    monkeypatch.setenv("KILLCORD_API_KEY", server.key)
    with Client() as client, opened(client) as parent:
        monkeypatch.setenv("KILLCORD_SESSION_ID", parent.session_id)
        with pytest.raises(SessionTerminated), opened(client) as child:
            assert server.session(child.session_id)["parent_session_id"] == parent.session_id
            server.kill(parent.session_id)
            child.wait_stopped(20)
            child.guard()
        assert parent.stopped
        monkeypatch.delenv("KILLCORD_SESSION_ID")
        with pytest.raises(SessionTerminated):
            parent.guard()
        parent_id = parent.session_id
        with pytest.raises(SessionTerminated):
            parent.close()
    assert server.session(parent_id)["status"] == "killed"


def test_without_a_key_nothing_begins(monkeypatch):
    monkeypatch.delenv("KILLCORD_API_KEY", raising=False)
    with pytest.raises(KillcordError, match="KILLCORD_API_KEY"):
        Client("http://127.0.0.1:1")


def test_a_url_that_is_none_is_said(server):
    with pytest.raises(KillcordError, match="KILLCORD_URL"):
        Client("127.0.0.1:7411", server.key)


def test_a_wrong_key_is_denied_at_once(server, transport):
    with Client(server.url, "kc_wrong", transport=transport) as client:
        with pytest.raises(AccessDenied, match="KILLCORD_API_KEY") as denied, opened(client):
            pass
        assert denied.value.code == "invalid_api_key"


def test_one_client_carries_two_sessions_and_a_stop_meets_only_its_own(server, client):
    with opened(client) as other:
        with pytest.raises(SessionTerminated) as stop, opened(client) as sess:
            server.kill(sess.session_id)
            sess.wait_stopped(20)
            sess.guard()
        assert stop.value.session_id == sess.session_id
        other.guard()
        assert other.intercept("transfer_funds").decision == "allow"


def test_a_stop_as_an_error_crosses_processes():
    import pickle

    stop = SessionTerminated("sess_1", status="killed", stop_reason="manual", reason="why", halt_id="halt_1")
    again = pickle.loads(pickle.dumps(stop))
    assert str(again) == "session sess_1 killed (manual): why"
    assert again.__dict__ == stop.__dict__
