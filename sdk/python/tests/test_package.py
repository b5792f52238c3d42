"""The package as it is installed: whole, typed, for old Pythons, and at peace with other stubs."""

import shutil
import subprocess
import sys
from pathlib import Path

from served import ROOT

PACKAGE = Path(__file__).parents[1]


def run(*args, **options):
    done = subprocess.run([sys.executable, *map(str, args)], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_pip_installs_all_of_it(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "source", ignore=shutil.ignore_patterns("tests", "__pycache__"))
    place = tmp_path / "installed"
    offline = ["--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    run("-m", "pip", "install", "--quiet", *offline, "--target", place, tmp_path / "source")
    there = {str(path.relative_to(place)) for path in (place / "killcord").rglob("*") if path.is_file()}
    here = {str(path.relative_to(PACKAGE)) for path in (PACKAGE / "killcord").rglob("*.py")}
    assert {*here, "killcord/py.typed"} <= there
    text = "import killcord, killcord._grpc; print(killcord.__file__, killcord.__version__)"
    assert run("-c", text, cwd=place).split() == [str(place / "killcord/__init__.py"), "0.1.0"]


def test_a_typed_program_is_checked_and_a_wrong_one_is_caught(tmp_path):
    good = tmp_path / "good.py"
    good.write_text(
        "from killcord import Client, RuntimeSession, Verdict\n"
        "def ask(client: Client) -> Verdict:\n"
        "    with RuntimeSession(client, agent_id='a', budgets={'max_actions': 2}) as sess:\n"
        "        @sess.tool\n"
        "        def add(x: int) -> int:\n"
        "            return x + 1\n"
        "        y: int = add(1)\n"
        "        return sess.intercept('add', metadata={'y': y})\n"
    )
    bad = tmp_path / "bad.py"
    bad.write_text(
        "from killcord import Client, RuntimeSession\n"
        "def ask(client: Client) -> None:\n"
        "    sess = RuntimeSession(client, budgets={'max_action': 2}, on_lease_lost='stop')\n"
        "    sess.tool(len)(1)\n"
    )
    environment = {"MYPYPATH": str(PACKAGE), "PATH": ""}
    # Of an installed package mypy would not say what it says of this folder: that gRPC has no types.
    config = ["--config-file", str(PACKAGE / "pyproject.toml"), "--cache-dir", str(tmp_path / "cache")]
    command = [sys.executable, "-m", "mypy", "--strict", *config]
    judged = [
        subprocess.run([*command, str(each)], capture_output=True, text=True, env=environment)
        for each in (good, bad)
    ]
    assert judged[0].returncode == 0, judged[0].stdout
    found = {
        line.split(": ")[0].split(":")[1] for line in judged[1].stdout.splitlines() if ": error: " in line
    }
    assert found == {"3", "4"}, judged[1].stdout


def test_other_stubs_of_the_same_messages_do_not_clash(tmp_path):
    """Those of a newer server, say: the same names, made otherwise, before and after ours."""
    protos = [*(ROOT / "proto").rglob("*.proto"), *(ROOT / "third_party/buf").rglob("*.proto")]
    run(
        "-m",
        "grpc_tools.protoc",
        f"-I{ROOT / 'proto'}",
        f"-I{ROOT / 'third_party'}",
        f"--python_out={tmp_path}",
        *protos,
    )
    theirs, ours = "import elsewhere.v1.session_pb2 as theirs", "import killcord._grpc"
    (tmp_path / "killcord").rename(tmp_path / "elsewhere")
    for file in (tmp_path / "elsewhere/v1").glob("*.py"):
        file.write_text(file.read_text().replace("from killcord.v1", "from elsewhere.v1"))
    for text in (f"{theirs}; {ours}", f"{ours}; {theirs}"):
        said = run(
            "-c",
            f"{text}; from killcord import _proto; theirs.Session(session_id='s'); "
            "print(_proto.message('killcord.v1.Session').DESCRIPTOR is theirs.Session.DESCRIPTOR)",
            cwd=tmp_path,
            env={"PYTHONPATH": f"{PACKAGE}:{tmp_path}", "PATH": ""},
        )
        assert said == "False\n"
