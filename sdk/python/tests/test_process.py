"""What a library must leave alone in its process: its end, its signals, its output, its forks."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from waiting import until

PACKAGE = Path(__file__).parents[1]

SESSION = """
import os, signal, sys, threading
from killcord import Client, RuntimeSession, SessionTerminated
client = Client(os.environ["KILLCORD_URL"], os.environ["KILLCORD_API_KEY"], transport=sys.argv[1])
options = {"agent_id": "process"}
"""


def run(server, tmp_path, text, *args, stdin="", python=sys.executable, status=0):
    """Runs a program to its end; answers what it printed."""
    program = tmp_path / "program.py"
    program.write_text(SESSION + text)
    environment = {
        **os.environ,
        "PYTHONPATH": str(PACKAGE),
        "KILLCORD_URL": server.url,
        "KILLCORD_API_KEY": server.key,
    }
    done = subprocess.run(
        [str(python), str(program), *args],
        input=stdin,
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
    )
    assert done.returncode == status, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_a_process_ends_with_its_session_open(server, tmp_path, transport):
    """Watch, heartbeats and connection hold nothing up, and say nothing."""
    text = """
sess = RuntimeSession(client, **options)
sess.start()
sess.intercept("transfer_funds")
print("done")
"""
    assert run(server, tmp_path, text, transport) == "done\n"


def test_a_process_ends_in_the_middle_of_a_call_that_hangs(server, weather, tmp_path, transport):
    text = """
import asyncio
async def main():
    async with RuntimeSession(client, **options, timeout_seconds=600) as sess:
        print("open", flush=True)
        sys.stdin.readline()
        asyncio.ensure_future(sess.aintercept("transfer_funds"))
        await asyncio.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(60)
def stop(*_):
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
try:
    asyncio.run(asyncio.wait_for(main(), None))
finally:
    print("left", flush=True)
    client._timeout = 0
"""
    text = text.replace("timeout_seconds=600", "timeout_seconds=1")
    program = tmp_path / "program.py"
    program.write_text(SESSION + text)
    environment = {
        **os.environ,
        "PYTHONPATH": str(PACKAGE),
        "KILLCORD_URL": weather.url,
        "KILLCORD_API_KEY": server.key,
    }
    with subprocess.Popen(
        [sys.executable, str(program), transport],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as child:
        assert child.stdout.readline() == "open\n"
        weather.swallow()
        child.stdin.write("\n")
        child.stdin.flush()
        assert child.stdout.readline() == "left\n"
        assert child.wait(30) == 0


def test_signal_handlers_are_left_as_they_were(server, tmp_path, transport):
    text = """
before = [signal.getsignal(each) for each in signal.valid_signals()]
with RuntimeSession(client, **options) as sess:
    sess.intercept("transfer_funds")
    assert [signal.getsignal(each) for each in signal.valid_signals()] == before
print("same")
"""
    assert run(server, tmp_path, text, transport) == "same\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_child_that_was_forked_asks_and_hears_of_the_stop_and_ends_nothing(server, tmp_path, transport):
    text = """
import warnings
warnings.simplefilter("ignore", DeprecationWarning)
import logging
logging.getLogger("killcord").addHandler(logging.NullHandler())
sess = RuntimeSession(client, **options)
try:
    with sess:
        sess.intercept("transfer_funds")
        to_child, from_parent = os.pipe()
        child = os.fork()
        if child == 0:
            # Leaves its copy of the block, as a worker does.
            with sess._life.now().run.changed:
                pass
            try:
                assert sess.intercept("transfer_funds").decision == "allow"
                os.write(from_parent, b"asked")
                assert sess.wait_stopped(20)
                sess.guard()
            except SessionTerminated as stop:
                try:
                    sess.close()
                except SessionTerminated:
                    os._exit(7)
            os._exit(1)
        assert os.read(to_child, 5) == b"asked"
        sess.guard()
        print(sess.session_id, flush=True)
        sys.stdin.readline()
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
        assert sess.wait_stopped(20)
        sess.guard()
except SessionTerminated as stop:
    print(stop.stop_reason, flush=True)
"""
    program = tmp_path / "program.py"
    program.write_text(SESSION + text)
    environment = {
        **os.environ,
        "PYTHONPATH": str(PACKAGE),
        "KILLCORD_URL": server.url,
        "KILLCORD_API_KEY": server.key,
    }
    with subprocess.Popen(
        [sys.executable, str(program), transport],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as parent:
        session_id = parent.stdout.readline().strip()
        assert server.session(session_id)["consumed"]["actions"] == 2
        server.kill(session_id)
        parent.stdin.write("\n")
        parent.stdin.flush()
        assert parent.stdout.readline() == "7\n"
        assert parent.stdout.readline() == "manual\n"
    assert until(lambda: server.session(session_id)["status"] == "killed")


def test_plain_http_needs_nothing_that_is_not_pythons_own(server, tmp_path):
    """In a fresh environment with nothing installed in it."""
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv/bin/python"
    text = """
import importlib.util
assert importlib.util.find_spec("grpc") is None
auto = Client(os.environ["KILLCORD_URL"], os.environ["KILLCORD_API_KEY"])
print(auto.transport)
try:
    with RuntimeSession(auto, **options, budgets={"max_actions": 1}) as sess:
        sess.intercept("transfer_funds")
        sess.intercept("transfer_funds")
except SessionTerminated as stop:
    print(stop.stop_reason)
from killcord import KillcordError
try:
    Client("http://127.0.0.1:1", "key", transport="grpc")
except KillcordError as error:
    print(error)
"""
    quiet = "import logging\nlogging.getLogger('killcord').addHandler(logging.NullHandler())\n"
    printed = run(server, tmp_path, quiet + text, "rest", python=python)
    assert printed == "REST\nbudget_exceeded\ngRPC needs grpcio: pip install 'killcord[grpc]'\n"
