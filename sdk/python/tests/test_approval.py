"""An action that a person has to approve: waited for, over gRPC and REST, and over nothing else."""

import asyncio
import threading

import pytest
from served import Served
from waiting import until

from killcord import ActionBlocked, ActionEscalated, Client, RuntimeSession, SessionTerminated


@pytest.fixture(scope="module")
def watched():
    """A server with a policy that has transfers looked at, and a key for agents: who asks cannot approve."""
    server = Served()
    server.ask(
        "/v1/enforce/policies",
        {
            "name": "a person looks at transfers",
            "policy_type": "action_type",
            "decision": "escalate",
            "action_types": ["transfer_*"],
        },
    )
    server.agent_key = server.ask("/v1/keys", {"name": "agent", "roles": ["agent"]})["secret"]
    yield server
    server.remove()


@pytest.fixture
def client(watched, transport):
    with Client(watched.url, watched.agent_key, transport=transport) as made:
        yield made


def opened(client, **options):
    return RuntimeSession(client, **{"agent_id": "loan-bot", **options})


def asking(ask):
    """What comes of a question, in a thread of its own."""
    came = []

    def run():
        try:
            came.append(ask())
        except Exception as error:
            came.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, came


def pending(server, sess):
    path = f"/v1/enforce/escalations?session_id={sess.session_id}"
    return until(lambda: server.ask(path)["escalations"])[0]["escalation_id"]


def resolve(server, escalation_id, resolution, reason="looked at"):
    body = {"resolution": resolution, "reason": reason}
    return server.ask(f"/v1/enforce/escalations/{escalation_id}/resolve", body)


def test_one_that_is_approved_is_allowed_and_counted_once(watched, client):
    with opened(client, budgets={"max_actions": 1, "max_tokens": 10}) as sess:
        thread, came = asking(lambda: sess.intercept("transfer_funds", "pay 5", cost={"tokens": 7}))
        escalation_id = pending(watched, sess)
        resolve(watched, escalation_id, "approved")
        thread.join(20)
        assert (came[0].decision, came[0].escalation_id) == ("allow", escalation_id)
        consumed = watched.session(sess.session_id)["consumed"]
        assert (consumed["actions"], consumed["tokens"]) == (1, 7)


def test_a_repeat_under_one_key_is_the_same_action(watched, client):
    with opened(client) as sess:

        def pay():
            return sess.intercept("transfer_funds", cost={"tokens": 7}, idempotency_key="k" * 255)

        thread, came = asking(pay)
        resolve(watched, pending(watched, sess), "approved")
        thread.join(20)
        assert pay().decision_id == came[0].decision_id
        consumed = watched.session(sess.session_id)["consumed"]
        assert (consumed["actions"], consumed["tokens"]) == (1, 7)


def test_one_that_is_rejected_is_blocked(watched, client):
    with opened(client) as sess:
        thread, came = asking(lambda: sess.intercept("transfer_funds"))
        resolve(watched, pending(watched, sess), "rejected", "not this account")
        thread.join(20)
        assert type(came[0]) is ActionBlocked
        assert came[0].reasoning == "a person has rejected it: not this account"
        assert came[0].next_step
        assert [each.name for each in came[0].policies_triggered] == ["a person looks at transfers"]


def test_a_stop_ends_the_wait(watched, client):
    with pytest.raises(SessionTerminated), opened(client) as sess:
        thread, came = asking(lambda: sess.intercept("transfer_funds"))
        pending(watched, sess)
        watched.kill(sess.session_id)
        thread.join(20)
        assert isinstance(came[0], SessionTerminated)


def test_a_coroutine_waits_and_can_be_cancelled(watched, client):
    async def main():
        async with opened(client) as sess:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(sess.aintercept("transfer_more"), 0.2)
            task = asyncio.ensure_future(sess.aintercept("transfer_funds"))
            loop = asyncio.get_running_loop()
            path = f"/v1/enforce/escalations?session_id={sess.session_id}"

            def mine():
                rows = watched.ask(path)["escalations"]
                return [each["escalation_id"] for each in rows if each["action_type"] == "transfer_funds"]

            found = await loop.run_in_executor(None, lambda: until(mine))
            await loop.run_in_executor(None, resolve, watched, found[0], "approved")
            assert (await task).escalation_id == found[0]
            # Waiting would hold the loop up.
            with pytest.raises(ActionEscalated):
                sess.intercept("transfer_again")

    asyncio.run(main())


def test_one_is_raised_where_that_was_asked_for_and_allowed_with_its_approval(watched, client):
    with opened(client, on_escalate="raise") as sess:
        with pytest.raises(ActionEscalated) as escalated:
            sess.intercept("transfer_funds", "pay 5")
        escalation_id = escalated.value.escalation_id
        resolve(watched, escalation_id, "approved")
        with pytest.raises(ActionBlocked):
            sess.intercept("transfer_funds", "pay 500", escalation_id=escalation_id)
        assert sess.intercept("transfer_funds", "pay 5", escalation_id=escalation_id).decision == "allow"


def test_a_reservation_waits_too_and_holds_only_then(watched, client):
    with opened(client) as sess:

        def pay():
            with sess.reserve("transfer_funds", estimate={"tokens": 5}) as held:
                return held.settle(tokens=4)

        thread, came = asking(pay)
        escalation_id = pending(watched, sess)
        assert "reserved" not in watched.session(sess.session_id)
        resolve(watched, escalation_id, "approved")
        thread.join(20)
        assert came[0].outcome == "settled"


def test_one_is_asked_about_where_no_watch_comes_through(watched, client, monkeypatch):
    monkeypatch.setattr("killcord._approval.Approval._watch", lambda self: setattr(self, "_streams", False))
    with opened(client) as sess:
        thread, came = asking(lambda: sess.intercept("transfer_funds"))
        resolve(watched, pending(watched, sess), "approved")
        thread.join(20)
        assert came[0].decision == "allow"
