"""Tools: they ask before they run, with their arguments, and do not outlive a stop."""

import asyncio
import inspect
import json
import threading

import pytest

from killcord import RuntimeSession, SessionTerminated


def opened(client, **options):
    return RuntimeSession(client, **{"agent_id": "loan-bot", **options})


@pytest.fixture
def asked(monkeypatch):
    """What was asked for: kinds of actions with their content."""
    from killcord import _wire

    seen, intercept = [], _wire.intercept

    def note(body):
        seen.append((body["action_type"], json.loads(body["action_content"])))
        return intercept(body)

    monkeypatch.setattr(_wire, "intercept", note)
    return seen


def test_a_tool_asks_with_its_name_and_its_arguments(client, asked):
    with opened(client) as sess:

        @sess.tool
        def transfer(amount: int, to: str = "4711") -> str:
            """Moves money."""
            return f"{amount} to {to}"

        @sess.tool(name="mail.send")
        def other(**fields: str) -> str:
            return json.dumps(fields)

        assert transfer(5, to="0815") == "5 to 0815"
        assert other(text="hi") == '{"text": "hi"}'
        assert sess.wrap(lambda x: x + 1)(1) == 2
    assert asked == [
        ("transfer", {"amount": 5, "to": "0815"}),
        ("mail.send", {"fields": {"text": "hi"}}),
        ("_lambda_", {"x": 1}),
    ]
    assert (transfer.__name__, transfer.__doc__) == ("transfer", "Moves money.")
    assert list(inspect.signature(transfer).parameters) == ["amount", "to"]


def test_a_tool_that_may_not_run_does_not(server, client):
    ran = []
    with pytest.raises(SessionTerminated), opened(client, budgets={"max_actions": 1}) as sess:
        tool = sess.wrap(ran.append)
        tool(1)
        tool(2)
    assert ran == [1]


def test_a_tool_during_which_the_run_was_stopped_raises(server, client):
    with pytest.raises(SessionTerminated), opened(client) as sess:

        @sess.tool
        def slow():
            server.kill(sess.session_id)
            sess.wait_stopped(20)
            return "done"

        with pytest.raises(SessionTerminated):
            slow()


def test_arguments_that_are_no_json_or_far_too_long_are_asked_for_all_the_same(client, asked):
    with opened(client) as sess:
        sess.wrap(lambda x: None, name="odd")({1})
        sess.wrap(lambda x: None, name="long")("x" * 300_000)
    assert asked[0] == ("odd", {"x": "{1}"})
    assert asked[1][0] == "long"
    assert asked[1][1]["bytes"] == 300_009
    assert len(asked[1][1]["sha256"]) == 64


def test_a_coroutine_tool_ends_in_the_middle_of_its_await(server, client):
    ended = []

    async def slow():
        threading.Thread(target=server.kill, args=[sess.session_id]).start()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append(True)
            raise

    with pytest.raises(SessionTerminated), opened(client) as sess:
        tool = sess.wrap(slow)

        async def main():
            # No block of coroutines is around it: the tool covers the task itself, and only so far.
            with pytest.raises(SessionTerminated):
                await tool()
            await asyncio.sleep(0)

        asyncio.run(main())
    assert ended == [True]


def test_generators_are_refused(client):
    with opened(client) as sess:

        def steps():
            yield 1

        async def asteps():
            yield 1

        for each in (steps, asteps):
            with pytest.raises(TypeError, match="generator"):
                sess.wrap(each)
