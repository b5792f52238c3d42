"""`async with`: tasks are cancelled in the middle of an await, and only theirs."""

import asyncio
import sys
import threading

import pytest
from waiting import phases, until

from killcord import RuntimeSession, SessionTerminated, _tasks

A_MINUTE = 60


def opened(client, **options):
    return RuntimeSession(client, **{"agent_id": "loan-bot", **options})


def kill_soon(server, sess):
    """From another thread, as an operator would."""
    threading.Thread(target=server.kill, args=(sess.session_id,), daemon=True).start()


def test_a_stop_cancels_the_await_in_its_middle(server, client):
    async def main():
        async with opened(client) as sess:
            assert (await sess.aintercept("transfer_funds")).decision == "allow"
            kill_soon(server, sess)
            try:
                await asyncio.sleep(A_MINUTE)
            except asyncio.CancelledError:
                seen.append(sess.session_id)
                raise

    seen = []
    with pytest.raises(SessionTerminated, match="killed \\(manual\\)"):
        asyncio.run(main())
    assert phases(server, seen[0])[-1] == "halt_confirmed"


def test_tasks_that_are_started_inside_end_and_others_go_on(server, client):
    async def main():
        outside = asyncio.create_task(asyncio.sleep(A_MINUTE))
        started = []

        async def child():
            started.append(asyncio.create_task(asyncio.sleep(A_MINUTE)))
            await asyncio.sleep(A_MINUTE)

        with pytest.raises(SessionTerminated):
            async with opened(client) as sess:
                started.append(asyncio.create_task(child()))
                started.append(asyncio.ensure_future(asyncio.sleep(A_MINUTE)))
                await asyncio.sleep(0)
                kill_soon(server, sess)
                await asyncio.gather(*(asyncio.sleep(A_MINUTE) for _ in range(3)))
        assert len(started) == 3
        assert all(each.cancelled() for each in started)
        assert not outside.done()
        outside.cancel()
        assert asyncio.get_running_loop().get_task_factory() is None

    asyncio.run(main())


def test_a_task_that_is_started_during_the_stop_ends_too(server, client):
    async def main():
        born = []

        async def stubborn():
            try:
                await asyncio.sleep(A_MINUTE)
            finally:
                born.append(asyncio.create_task(asyncio.sleep(A_MINUTE)))

        with pytest.raises(SessionTerminated):
            async with opened(client, grace_seconds=0.1) as sess:
                asyncio.create_task(stubborn())
                await asyncio.sleep(0)
                kill_soon(server, sess)
                await asyncio.sleep(A_MINUTE)
        await asyncio.wait(born)
        assert born[0].cancelled()
        return sess.session_id

    session_id = asyncio.run(main())
    assert until(lambda: "halt_confirmed" in phases(server, session_id))


def test_cleaning_up_may_await_within_the_grace(server, client):
    async def main():
        with pytest.raises(SessionTerminated):
            async with opened(client) as sess:
                kill_soon(server, sess)
                try:
                    await asyncio.sleep(A_MINUTE)
                finally:
                    await asyncio.wait_for(asyncio.sleep(0.01), 5)
                    cleaned.append(True)

    cleaned = []
    asyncio.run(main())
    assert cleaned == [True]


def test_a_foreign_cancellation_stays_one(server, client):
    async def main():
        async def body():
            async with opened(client) as sess:
                names.append(sess.session_id)
                entered.set()
                await asyncio.sleep(A_MINUTE)

        names, entered = [], asyncio.Event()
        task = asyncio.create_task(body())
        await entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return names[0]

    assert server.session(asyncio.run(main()))["status"] == "ended"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="tasks count their cancellations since 3.11")
def test_a_foreign_cancellation_beside_a_stop_stays_one(server, client):
    async def main():
        async def body():
            async with opened(client) as sess:
                names.append(sess)
                entered.set()
                await asyncio.sleep(A_MINUTE)

        names, entered = [], asyncio.Event()
        task = asyncio.create_task(body())
        await entered.wait()
        names[0]._life.now().run.force_stop("both in one turn of the loop")
        names[0]._life._scope._cancel(False)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()

    asyncio.run(main())


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.timeout came with 3.11")
def test_timeouts_around_and_inside_keep_working(server, client):
    async def main():
        async with asyncio.timeout(A_MINUTE):
            with pytest.raises(SessionTerminated):
                async with opened(client) as sess:
                    with pytest.raises(TimeoutError):
                        async with asyncio.timeout(0.01):
                            await asyncio.sleep(A_MINUTE)
                    kill_soon(server, sess)
                    async with asyncio.timeout(A_MINUTE):
                        await asyncio.sleep(A_MINUTE)
        assert asyncio.current_task().cancelling() == 0
        await asyncio.sleep(0)

    asyncio.run(main())


def test_where_tasks_do_not_count_the_cancellation_says_whose_it_is(server, client, monkeypatch):
    monkeypatch.setattr(_tasks, "COUNTS", False)

    async def main():
        with pytest.raises(SessionTerminated):
            async with opened(client) as sess:
                kill_soon(server, sess)
                await asyncio.gather(asyncio.sleep(A_MINUTE), asyncio.sleep(A_MINUTE))

        async def body():
            async with opened(client):
                entered.set()
                await asyncio.sleep(A_MINUTE)

        entered = asyncio.Event()
        task = asyncio.create_task(body())
        await entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_a_body_that_swallows_its_cancellation_is_told_at_the_next_question(server, client):
    async def main():
        with pytest.raises(SessionTerminated):
            async with opened(client) as sess:
                kill_soon(server, sess)
                try:
                    await asyncio.sleep(A_MINUTE)
                except asyncio.CancelledError:
                    swallowed.append(True)
                await sess.aintercept("transfer_funds")

    swallowed = []
    asyncio.run(main())
    assert swallowed == [True]


def test_a_body_that_swallows_everything_is_told_when_it_leaves(server, client):
    async def main():
        with pytest.raises(SessionTerminated):
            async with opened(client) as sess:
                kill_soon(server, sess)
                try:
                    await asyncio.sleep(A_MINUTE)
                except asyncio.CancelledError:
                    pass
        await asyncio.sleep(0)

    asyncio.run(main())


def test_a_start_that_is_cancelled_leaves_no_session_open(server, client):
    agent = f"cancelled-{client.transport}"

    async def main():
        async def body():
            async with opened(client, agent_id=agent):
                raise AssertionError("it was cancelled before")

        task = asyncio.create_task(body())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())

    def over():
        found = server.sessions(agent)
        return found and all(each["status"] == "ended" for each in found)

    until(over)


def test_create_task_ends_with_the_session_also_where_the_block_is_no_coroutines(server, client):
    async def main():
        with pytest.raises(SessionTerminated), opened(client) as sess:
            task = sess.create_task(asyncio.sleep(A_MINUTE), name="payer")
            assert task.get_name() == "payer"
            kill_soon(server, sess)
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())


def test_a_question_that_is_cancelled_is_given_up(client, monkeypatch):
    given_up = []

    async def main():
        async with opened(client) as sess:
            monkeypatch.setattr(
                client._transport, "begin", lambda call, seconds, done: lambda: given_up.append(call.rpc)
            )
            asking = asyncio.ensure_future(sess.aintercept("transfer_funds"))
            await asyncio.sleep(0)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            monkeypatch.undo()

    asyncio.run(main())
    assert given_up == ["EnforcementService/Intercept"]


def test_many_ask_at_once_and_none_is_counted_twice(server, client):
    async def main():
        allowed = 0

        async def ask(sess):
            nonlocal allowed
            await sess.aintercept("transfer_funds")
            allowed += 1

        with pytest.raises(SessionTerminated, match="budget_exceeded"):
            async with opened(client, budgets={"max_actions": 40}) as sess:
                await asyncio.gather(*(ask(sess) for _ in range(100)), return_exceptions=True)
                await asyncio.sleep(A_MINUTE)
        return sess.session_id, allowed

    session_id, allowed = asyncio.run(main())
    assert server.session(session_id)["consumed"]["actions"] == 40
    assert allowed <= 40


def test_the_event_loop_is_never_held_up(server, client):
    """A tick that must come while the session is opened, asked and closed."""

    async def main():
        async def tick():
            while True:
                await asyncio.sleep(0)
                ticks.append(True)

        ticking = asyncio.create_task(tick())
        before = len(ticks)
        async with opened(client) as sess:
            assert len(ticks) > before
            before = len(ticks)
            await sess.aintercept("transfer_funds")
            assert len(ticks) > before
            before = len(ticks)
        assert len(ticks) > before
        ticking.cancel()

    ticks = []
    asyncio.run(main())
