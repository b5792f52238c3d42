"""The agents of examples/python, as they stand, stopped in the middle of a tool that takes a minute."""

import os
import re
import subprocess
import sys
import time

import pytest
from fake_openai import FakeOpenAI
from served import ROOT
from waiting import phases, until

EXAMPLES = ROOT / "examples/python"


class Agent:
    """A program of examples/, in a process of its own, with no proxy and no keys of the developer's."""

    def __init__(self, server, program, **environment):
        inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.process = subprocess.Popen(
            [sys.executable, str(EXAMPLES / program)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={
                **inherited,
                "PYTHONPATH": str(ROOT / "sdk/python"),
                "KILLCORD_URL": server.url,
                "KILLCORD_API_KEY": server.key,
                "NO_PROXY": "127.0.0.1",
                **environment,
            },
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def line(self):
        text = self.process.stdout.readline()
        assert text, self.process.stderr.read()
        return text.strip()

    def rest(self):
        """What it prints until its end, which must be a good one."""
        printed, errors = self.process.communicate(timeout=30)
        assert self.process.returncode == 0, errors
        return printed


@pytest.mark.parametrize(
    ("program", "says", "tokens"),
    [
        ("asyncio_agent.py", ["crawling", "crawling"], 0),
        ("langchain_agent.py", ["researching"], 1000),
        ("openai_agent.py", ["transferring"], 2),
    ],
)
def test_an_agent_of_coroutines_is_stopped_in_the_middle_of_a_tool(server, program, says, tokens, capsys):
    with FakeOpenAI("transfer", '{"amount": 5, "to": "4711"}') as fake:
        with Agent(server, program, OPENAI_BASE_URL=fake.url, OPENAI_API_KEY="none") as agent:
            session_id = agent.line()
            assert [agent.line() for _ in says] == says
            begun = time.monotonic()
            server.kill(session_id, "enough")
            printed = agent.line()
            seconds = time.monotonic() - begun
            assert agent.rest() == ""
        # Its own words: not a result, not an error that was told to the model, but the stop.
        assert re.fullmatch(rf"session {session_id} killed \(manual\): enough, after [\d.]+ s", printed)
        # It has said of itself that its tasks were cancelled and have ended.
        assert phases(server, session_id)[-1] == "halt_confirmed"
        # What the model used until then was counted as its framework told it.
        assert server.session(session_id)["consumed"]["tokens"] == tokens
        assert len(fake.asked) == (1 if program == "openai_agent.py" else 0)
    with capsys.disabled():
        print(f"\n  {program}: from the call of kill to the stop that it raised, {seconds:.3f} s", end="")


def test_an_agent_without_coroutines_stops_at_its_next_guard(server):
    with Agent(server, "blocking_agent.py") as agent:
        session_id = agent.line()
        assert agent.line() == "what next?"
        server.kill(session_id, "enough")
        # It is in a call that blocks: it has heard of the stop, and has not stopped.
        until(lambda: "halt_acknowledged" in phases(server, session_id))
        assert "halt_confirmed" not in phases(server, session_id)
        assert agent.process.poll() is None
        agent.process.stdin.write("pay 5 to 4711\n")
        agent.process.stdin.flush()
        # What it was told in the meantime is not acted upon.
        assert agent.rest() == f"session {session_id} killed (manual): enough\n"
    assert phases(server, session_id)[-1] == "halt_confirmed"
