"""docs/sdk-python.md: its programs run as they stand."""

import asyncio
import inspect
import logging
import re
import threading
from types import SimpleNamespace

import pytest
from served import ROOT
from waiting import until

from killcord import Budgets, RuntimeSession, SessionTerminated

PAGE = (ROOT / "docs/sdk-python.md").read_text()
LOOP, SPENDING, COROUTINES, TOOLS, TOLD = re.findall(r"```python\n(.*?)```", PAGE, re.S)


@pytest.fixture
def place(server, monkeypatch):
    """What every program finds in its environment."""
    monkeypatch.setenv("KILLCORD_URL", server.url)
    monkeypatch.setenv("KILLCORD_API_KEY", server.key)
    return server


def test_the_loop_goes_on_to_its_end(place):
    names = {"agent": [SimpleNamespace(text=f"pay {n}") for n in range(3)], "log": logging.getLogger("agent")}
    exec(LOOP, names)
    shown = place.session(names["sess"].session_id)
    assert (shown["status"], shown["consumed"]["actions"]) == ("ended", 3)
    assert shown["budgets"] == {"max_actions": 200, "ttl_seconds": 3600, "on_exceeded": "terminate"}


def test_the_loop_is_contained_when_it_is_stopped(place, caplog):
    def agent():
        yield SimpleNamespace(text="pay 5")
        place.kill(names["sess"].session_id, "key leaked")
        # It would go on for ever: only its stop ends it.
        while True:
            yield SimpleNamespace(text="pay 6")

    names = {"agent": agent(), "log": logging.getLogger("agent")}
    exec(LOOP, names)
    session_id = names["sess"].session_id
    said = [each.message for each in caplog.records if each.name == "agent"]
    assert said == [f"Agent contained: session {session_id} killed (manual): key leaked"]


def test_the_run_that_spends_is_warned_and_contained_by_what_it_costs(place, capsys):
    heard = ""

    def said(word):
        nonlocal heard
        heard += capsys.readouterr().out
        return word in heard

    exec(SPENDING, {"ask_the_model": lambda: 1500})
    assert said("budget_exceeded budget exceeded: max_cost_usd 0.02, spent 0.0183, needed 0.006\n")
    until(lambda: said("warned: 80% of max_cost_usd 0.02 are used up: 0.0183 spent\n"))


def test_the_coroutines_are_cancelled(place, capsys):
    async def work(sess):
        threading.Thread(target=place.kill, args=[sess.session_id, "enough"]).start()
        await asyncio.sleep(60)

    exec(COROUTINES, {"work": work})
    assert re.fullmatch(r"killed manual enough halt_[0-9a-f]{12}\n", capsys.readouterr().out)


def test_the_tools_ask_and_run(place, capsys):
    names = {"send_mail": print}
    exec(TOOLS, names)
    assert capsys.readouterr().out == "5 moved to 4711\ndone\n"
    assert place.session(names["sess"].session_id)["consumed"]["actions"] == 2


def test_what_is_told_is_told(place, capsys):
    names = {}
    # A stop in the middle of the block: as if its last line took a while.
    slow = TOLD + "    happen(sess)\n"

    def happen(sess):
        heard = ""

        def said(word):
            nonlocal heard
            heard += capsys.readouterr().out
            return word in heard

        place.pause(sess.session_id, "look first")
        until(lambda: said("held: look first"))
        place.resume(sess.session_id)
        until(lambda: said("goes on"))
        place.kill(sess.session_id)
        until(lambda: said(f"stopped: session {sess.session_id} killed (manual)"))

    names["happen"] = happen
    with pytest.raises(SessionTerminated):
        exec(slow, names)


def test_the_page_names_every_parameter_with_its_default(place):
    rows = dict(re.findall(r"^\| (`[a-z_`, ]+`) \| ([^|]*) \|", PAGE, re.M))
    named = {name: default for names, default in rows.items() for name in re.findall(r"`(\w+)`", names)}
    parameters = inspect.signature(RuntimeSession).parameters
    for name, parameter in parameters.items():
        if name != "client":
            assert name in named, f"the page does not name {name}"
            if isinstance(parameter.default, (int, str)):
                shown = named[name].strip("`").strip('"')
                assert shown == str(parameter.default), name
    budgets = re.search(r"^\| `budgets` .*$", PAGE, re.M).group()
    assert all(f"`{name}`" in budgets for name in Budgets.__annotations__)
