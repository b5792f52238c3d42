"""One server, one key, and what all sessions of a process share: the connection, the watch, the leases."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import weakref
from typing import Any
from urllib.parse import urlsplit

from ._keeper import Keeper
from ._rest import RestTransport
from ._run import Run
from ._watch import Watch
from ._wire import Call, Reply, Transport
from .errors import AccessDenied, KillcordError, ServerUnreachable

log = logging.getLogger("killcord")

DEFAULT_URL = "http://127.0.0.1:7411"

#: Connections of a parent process, kept from being closed by its children.
_inherited: list[Any] = []
_clients: weakref.WeakSet[Client] = weakref.WeakSet()


class Client:
    """A connection to one server with one key. Make one and keep it; threads and loops may share it.

    `url` is `http://` or `https://`, by default what KILLCORD_URL names, else http://127.0.0.1:7411;
    `api_key` by default KILLCORD_API_KEY. `transport` is `grpc`, `rest`, or `auto`: gRPC where grpcio
    is installed and passes, else REST. `ca_file` names certificates in PEM to trust instead of the
    system's. `timeout_seconds` is how long one call may take, retries included.

    Raises KillcordError when there is no key, or the URL is none.
    """

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        transport: str = "auto",
        ca_file: str | None = None,
        timeout_seconds: float = 5.0,
    ) -> None:
        self.url = (url or os.environ.get("KILLCORD_URL") or DEFAULT_URL).rstrip("/")
        key = api_key or os.environ.get("KILLCORD_API_KEY")
        if not key:
            raise KillcordError("no API key: set KILLCORD_API_KEY, or pass api_key", code="missing_api_key")
        place = urlsplit(self.url)
        if place.scheme not in ("http", "https") or not place.hostname:
            raise KillcordError(f"no URL of a server: {self.url!r}; give http://HOST:PORT in KILLCORD_URL")
        if transport not in ("auto", "grpc", "rest"):
            raise ValueError(f"transport is auto, grpc or rest, not {transport!r}")
        self.timeout_seconds = timeout_seconds
        self._key = key
        self._ca_file = ca_file
        self._choice = transport
        self._answered = False
        self._closed = False
        self._lock = threading.Lock()
        self._transport: Transport = self._choose()
        self._share()
        _clients.add(self)

    def close(self) -> None:
        """Ends the watch and the connection. Sessions that are open go on until their lease ends."""
        self._closed = True
        self._watch.close()
        self._keeper.close()
        self._transport.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def transport(self) -> str:
        """`gRPC` or `REST`."""
        return self._transport.name

    def _choose(self) -> Transport:
        if self._choice != "rest":
            try:
                from ._grpc import GrpcTransport
            except ImportError as error:
                if self._choice == "grpc":
                    raise KillcordError("gRPC needs grpcio: pip install 'killcord[grpc]'") from error
            else:
                return GrpcTransport(self.url, self._key, self._ca_file)
        return self._rest()

    def _rest(self) -> RestTransport:
        return RestTransport(self.url, self._key, self._ca_file)

    def _share(self) -> None:
        self._keeper = Keeper(lambda: self._transport, lambda: self._watch.impossible)
        self._watch = Watch(lambda: self._transport, self._keeper.wake, self._keeper.ask_now)

    def _call(self, call: Call, seconds: float) -> Reply:
        """One attempt of a unary call. Raises KillcordError."""
        transport = self._transport
        try:
            reply = transport.call(call, seconds)
        except KillcordError as error:
            if not self._answered and self._changes_to_rest(transport, error, seconds):
                return self._transport.call(call, seconds)
            raise
        self._answered = True
        return reply

    def _changes_to_rest(self, transport: Transport, error: KillcordError, seconds: float) -> bool:
        """Whether something on the way takes plain HTTP alone, as proxies of HTTP/1.1 do."""
        if self._choice != "auto" or transport.name != "gRPC" or isinstance(error, AccessDenied):
            return False
        if not isinstance(error, ServerUnreachable) and error.code != "unimplemented":
            return False
        with self._lock:
            if self._transport is not transport:
                return True
            rest = self._rest()
            if not rest.reachable(seconds):
                return False
            log.warning("gRPC does not get through to %s, REST does: using that", self.url)
            self._transport = rest
        transport.close()
        return True

    def _follow(self, run: Run) -> None:
        self._keeper.add(run)
        self._watch.add(run)

    def _leave(self, run: Run) -> None:
        self._keeper.remove(run)
        self._watch.remove(run)

    def _after_fork(self) -> None:
        """In a child: its parent's threads, locks and connections are not its own. gRPC's do not work
        after a fork, so REST goes on."""
        _inherited.append((self._transport, self._watch, self._keeper))
        runs = [kept.run for kept in self._keeper._kept.values()]
        self._lock = threading.Lock()
        self._transport = self._rest()
        self._share()
        for run in runs:
            run.after_fork()


def _after_fork() -> None:
    for client in list(_clients):
        client._after_fork()


def _at_exit() -> None:
    for client in list(_clients):
        if not client._closed:
            client.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)
