"""The real server as users start it, a process of its own over data of its own; and what operators do."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = os.environ.get("KILLCORD_TEST_PROGRAM") or str(ROOT / "dist/src/main.js")
NODE = os.environ.get("NODE") or shutil.which("node") or "node"


class Served:
    """A running `killcord serve`."""

    def __init__(self, listen="127.0.0.1:0", data=None, flags=()):
        self.folder = data or tempfile.mkdtemp(prefix="killcord-sdk-")
        self.flags = list(flags)
        self.process = None
        self.start(listen)

    def start(self, listen):
        ready = Path(self.folder) / f"ready-{time.monotonic_ns()}.json"
        environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
        self.log = open(Path(self.folder) / "log", "ab")  # noqa: SIM115
        data = str(Path(self.folder) / "data")
        command = [NODE, PROGRAM, "serve", "--data", data, "--listen", listen, "--ready-file", str(ready)]
        self.process = subprocess.Popen(
            command + self.flags, env=environment, stdout=self.log, stderr=self.log
        )
        while not ready.exists() or not ready.read_text():
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended:\n{(Path(self.folder) / 'log').read_text()}")
            time.sleep(0.01)
        told = json.loads(ready.read_text())
        self.url = told["url"]
        self.address = self.url.partition("://")[2]
        if told["admin_key_file"]:
            self.key = Path(told["admin_key_file"]).read_text().strip()

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait()
        self.log.close()

    def restart(self, how=signal.SIGTERM):
        """Ends it and starts it again at the same address."""
        self.end(how)
        self.start(self.address)

    def remove(self):
        if self.process.poll() is None:
            self.end(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    # What an operator does, by plain REST.

    def ask(self, path, body=None, method=None, key=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"x-api-key": key or self.key}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as reply:
            return json.loads(reply.read())

    def kill(self, session_id, reason="manual stop"):
        return self.ask(f"/v1/enforce/sessions/{session_id}/kill", {"reason": reason})

    def pause(self, session_id, reason="look first"):
        return self.ask(f"/v1/enforce/sessions/{session_id}/pause", {"reason": reason})

    def resume(self, session_id):
        return self.ask(f"/v1/enforce/sessions/{session_id}/resume", {})

    def session(self, session_id):
        return self.ask(f"/v1/enforce/sessions/{session_id}")

    def sessions(self, agent_id):
        return self.ask(f"/v1/enforce/sessions?agent_id={agent_id}")["sessions"]

    def sealed(self, session_id):
        """What was sealed of a session, oldest first: `event`, and `content` as text."""
        found, start, total = [], 0, 1
        while start < total:
            page = self.ask(f"/v1/vault/entries?page_size=500&from_sequence={start}")
            found += [each for each in page["entries"] if session_id in each["content"]]
            start, total = start + 500, page["total"]
        return found
