"""What actions cost, from the package to the log: charged, held, settled, given back; over gRPC and REST."""

import asyncio
import json
import logging
import threading
from decimal import Decimal

import pytest
from waiting import until

from killcord import ActionBlocked, KillcordError, RuntimeSession, SessionPaused, SessionTerminated


def opened(client, **options):
    return RuntimeSession(client, **{"agent_id": "loan-bot", **options})


def settled(server, sess):
    """How the reservations of a run were closed, as that was sealed."""
    entries = server.sealed(sess.session_id)
    return [
        json.loads(each["content"])["outcome"] for each in entries if each["event"] == "reservation_settled"
    ]


def test_a_run_is_limited_by_every_budget(server, client):
    budgets = {
        "max_actions": 9,
        "max_tokens": 1000,
        "max_cost_usd": Decimal("0.30"),
        "ttl_seconds": 60,
        "max_depth": 2,
        "max_concurrent": 3,
        "warn_at_percent": (50, 90),
        "on_exceeded": "pause",
    }
    with opened(client, budgets=budgets) as sess:
        kept = server.session(sess.session_id)["budgets"]
    assert kept == {**budgets, "max_cost_usd": "0.3", "warn_at_percent": [50, 90]}


def test_a_mistyped_limit_is_refused_before_anything_is_opened(client):
    with pytest.raises(KillcordError, match="budgets have no max_token: there are max_actions"):
        opened(client, budgets={"max_token": 5})
    with pytest.raises(KillcordError, match="no finer than a millionth"):
        opened(client, budgets={"max_cost_usd": 0.1 + 0.2})


def test_an_allow_is_charged_and_says_what_is_left_and_what_comes_next(server, client):
    with opened(client, budgets={"max_tokens": 100, "max_cost_usd": 1}) as sess:
        verdict = sess.intercept("llm_call", cost={"tokens": 30, "cost_usd": 0.1})
        assert (verdict.consumed["tokens"], verdict.consumed["cost_usd_micros"]) == (30, 100_000)
        assert verdict.budget_left == {"tokens": 70, "cost_usd_micros": 900_000}
        assert verdict.next_step
        assert (verdict.warnings, verdict.policies_shadowed, verdict.reserved) == ([], [], {})
        assert server.session(sess.session_id)["consumed"]["cost_usd_micros"] == 100_000


def test_an_action_that_does_not_fit_ends_the_run(client):
    with pytest.raises(SessionTerminated) as stop, opened(client, budgets={"max_tokens": 100}) as sess:
        sess.intercept("llm_call", cost={"tokens": 100})
        sess.intercept("llm_call", cost={"tokens": 1})
    assert stop.value.stop_reason == "budget_exceeded"


def test_a_reservation_is_held_and_settled_with_what_it_was_once(server, client):
    with opened(client, budgets={"max_tokens": 100}) as sess:
        with sess.reserve("llm_call", estimate={"tokens": 80}) as held:
            shown = server.session(sess.session_id)
            assert shown["reserved"] == {"tokens": 80, "cost_usd_micros": 0}
            first = held.settle(tokens=20)
            assert (first.outcome, first.spent) == ("settled", {"tokens": 20, "cost_usd_micros": 0})
            assert first.reported == first.spent
            again = sess.settle(held.decision_id, tokens=20)
            assert (again.outcome, again.spent) == (first.outcome, first.spent)
            with pytest.raises(KillcordError) as refusal:
                held.settle(tokens=21)
            assert refusal.value.code == "reservation_closed"
        shown = server.session(sess.session_id)
        assert (shown["consumed"]["actions"], shown["consumed"]["tokens"]) == (1, 20)
        assert "reserved" not in shown
        assert settled(server, sess) == ["settled"]


def test_what_is_left_without_a_word_is_given_back(server, client):
    with opened(client, budgets={"max_tokens": 100}) as sess:
        with pytest.raises(ZeroDivisionError), sess.reserve("llm_call", estimate={"tokens": 100}):
            1 / 0  # noqa: B018
        with sess.reserve("llm_call", estimate={"tokens": 100}) as held:
            pass
        assert held.closed
        assert settled(server, sess) == ["cancelled"] * 2
        assert server.session(sess.session_id)["consumed"]["tokens"] == 0


def test_what_is_settled_stays_spent_when_its_block_raises_later(server, client):
    with opened(client) as sess:
        with pytest.raises(ZeroDivisionError), sess.reserve("llm_call", estimate={"tokens": 9}) as held:
            held.settle(tokens=5, cost_usd="0.25")
            1 / 0  # noqa: B018
        consumed = server.session(sess.session_id)["consumed"]
        assert (consumed["tokens"], consumed["cost_usd_micros"]) == (5, 250_000)


def test_an_action_that_would_fit_but_for_what_is_held_is_blocked_and_nothing_ends(client):
    with opened(client, budgets={"max_tokens": 100}) as sess:
        with sess.reserve("llm_call", estimate={"tokens": 80}) as held:
            with pytest.raises(ActionBlocked) as refusal, sess.reserve("llm_call", estimate={"tokens": 30}):
                pass
            assert refusal.value.policies == ["__budget_reserved"]
            assert [each.policy_id for each in refusal.value.policies_triggered] == ["__budget_reserved"]
            assert refusal.value.next_step
            held.cancel()
        with sess.reserve("llm_call", estimate={"tokens": 30}):
            pass


def test_coroutines_hold_and_settle(server, client):
    async def main():
        async with opened(client, budgets={"max_tokens": 100}) as sess:
            async with sess.reserve("llm_call", estimate={"tokens": 80}) as held:
                assert (await held.asettle(tokens=20)).outcome == "settled"
            async with sess.reserve("llm_call", estimate={"tokens": 80}):
                pass
            verdict = await sess.aintercept("llm_call", estimate={"tokens": 80})
            assert (await sess.acancel(verdict.decision_id)).outcome == "cancelled"
            verdict = await sess.aintercept("llm_call", estimate={"tokens": 80})
            assert (await sess.asettle(verdict.decision_id, tokens=8)).reported["tokens"] == 8
            return sess

    sess = asyncio.run(main())
    assert settled(server, sess) == ["settled", "cancelled", "cancelled", "settled"]


def test_a_coroutine_that_a_stop_cancels_gives_back_what_it_holds(server, client):
    async def main():
        async with opened(client) as sess:
            ids.append(sess)
            async with sess.reserve("llm_call", estimate={"tokens": 80}):
                threading.Thread(target=server.kill, args=[sess.session_id]).start()
                await asyncio.sleep(60)

    ids = []
    with pytest.raises(SessionTerminated):
        asyncio.run(main())
    assert settled(server, ids[0]) == ["cancelled"]


def test_a_tool_is_paid_by_its_result(server, client):
    with opened(client) as sess:

        @sess.tool(estimate=lambda words: {"tokens": 2 * len(words)}, actual=lambda found: {"tokens": found})
        def search(words):
            return len(words)

        @sess.tool(estimate={"tokens": 100})
        def fail():
            raise ZeroDivisionError

        @sess.tool(estimate={"tokens": 3, "cost_usd": "0.01"})
        async def fetch():
            return "page"

        assert search("boats") == 5
        with pytest.raises(ZeroDivisionError):
            fail()
        assert asyncio.run(fetch()) == "page"
        consumed = server.session(sess.session_id)["consumed"]
        assert (consumed["actions"], consumed["tokens"], consumed["cost_usd_micros"]) == (3, 8, 10_000)


def test_a_run_that_is_held_at_its_budget_goes_on_when_it_is_raised(server, client):
    budgets = {"max_tokens": 100, "on_exceeded": "pause"}
    with opened(client, when_paused="wait", budgets=budgets) as sess:
        sess.intercept("llm_call", cost={"tokens": 90})
        done = []
        asking = threading.Thread(
            target=lambda: done.append(
                sess.intercept("llm_call", cost={"tokens": 20}, idempotency_key="step-2")
            )
        )
        asking.start()
        until(lambda: sess.status == "paused")
        server.ask(f"/v1/enforce/sessions/{sess.session_id}/budgets", {"budgets": {"max_tokens": 200}})
        asking.join(20)
        assert done[0].consumed["tokens"] == 110
        assert server.session(sess.session_id)["consumed"]["actions"] == 2


def test_a_pause_at_the_budget_is_raised_by_default(client):
    with opened(client, budgets={"max_tokens": 1, "on_exceeded": "pause"}) as sess:
        with pytest.raises(SessionPaused) as pause:
            sess.intercept("llm_call", cost={"tokens": 2})
        assert pause.value.next_step


def test_a_share_of_a_budget_that_is_used_is_told_or_else_logged_once(client, caplog):
    caplog.set_level(logging.WARNING, "killcord")
    budgets = {"max_tokens": 100, "warn_at_percent": [50, 80]}
    with opened(client, budgets=budgets) as sess:
        told = []
        sess.on_warning(told.append)
        verdict = sess.intercept("llm_call", cost={"tokens": 60})
        sess.intercept("llm_call", cost={"tokens": 1})
        until(lambda: told)
        assert told == verdict.warnings
        assert told[0].policy_id == "__soft_limit"
        with sess.reserve("llm_call", estimate={"tokens": 30}) as held:
            settlement = held.settle(tokens=30)
        until(lambda: len(told) == 2)
        assert told[1:] == settlement.warnings
        assert not [each for each in caplog.records if "__soft_limit" in each.message]
    with opened(client, budgets=budgets) as sess:
        sess.intercept("llm_call", cost={"tokens": 90})
        lines = [each.message for each in caplog.records if "__soft_limit" in each.message]
        assert len(lines) == 1
        assert sess.session_id in lines[0]


def test_a_question_whose_answer_was_lost_is_charged_once(server, far, weather):
    with opened(far) as sess:
        sess.intercept("llm_call", cost={"tokens": 1})
        weather.cut_after_next_request()
        sess.intercept("llm_call", cost={"tokens": 10}, timeout_seconds=20)
        assert server.session(sess.session_id)["consumed"]["tokens"] == 11


def test_what_is_no_amount_is_not_sent(server, client):
    with opened(client) as sess:
        for cost in ({"tokens": -1}, {"cost_usd": 0.1 + 0.2}, {"usd": 1}):
            with pytest.raises(KillcordError) as refusal:
                sess.intercept("llm_call", cost=cost)
            assert refusal.value.code == "invalid_argument"
        with pytest.raises(KillcordError):
            sess.intercept("llm_call", cost={"tokens": 1}, estimate={"tokens": 1})
        assert server.session(sess.session_id)["consumed"]["actions"] == 0
