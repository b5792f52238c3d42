"""One real server for all tests that do not stop it, and clients of both transports."""

import os
import sys
from pathlib import Path

import pytest

# Up to Python 3.10, what starts a process runs gRPC's fork handlers, which may print into it.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
sys.path.insert(0, str(Path(__file__).parent))

from served import Served  # noqa: E402
from weather import Weather  # noqa: E402

from killcord import Client  # noqa: E402


@pytest.fixture(scope="session")
def server():
    served = Served()
    yield served
    served.remove()


@pytest.fixture
def own_server():
    """A server that a test may end and start again."""
    served = Served()
    yield served
    served.remove()


@pytest.fixture(params=["grpc", "rest"])
def transport(request):
    return request.param


@pytest.fixture
def client(server, transport):
    with Client(server.url, server.key, transport=transport) as made:
        yield made


@pytest.fixture
def weather(server):
    """A way to the server that a test can spoil."""
    with Weather(server.address) as made:
        yield made


@pytest.fixture
def far(server, weather, transport):
    """A client behind the weather."""
    with Client(weather.url, server.key, transport=transport) as made:
        yield made
