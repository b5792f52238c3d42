"""The way of plain HTTP/1.1 and JSON: the standard library and nothing else."""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from typing import Any, Callable
from urllib.parse import quote, urlencode, urlsplit

from . import _sse
from ._threads import DaemonPool
from ._wire import CLIENT, Call, Reply, Stream, Transport, refusal
from .errors import KillcordError, ServerUnreachable

_IDLE_CONNECTIONS_MAX = 8
#: A watch says something every 15 seconds at least; after twice that nobody is there.
SILENCE_SECONDS = 30.0

_STATUS = {401: "unauthenticated", 403: "permission_denied", 501: "unimplemented"}


class RestTransport(Transport):
    name = "REST"
    # 16 KiB of request headers hold some 350.
    watch_ids_max = 300

    def __init__(self, url: str, api_key: str, ca_file: str | None) -> None:
        place = urlsplit(url)
        self._host = place.hostname or ""
        self._port = place.port or (443 if place.scheme == "https" else 80)
        self._tls = ssl.create_default_context(cafile=ca_file) if place.scheme == "https" else None
        self._headers = {
            "x-api-key": api_key,
            "x-killcord-client": CLIENT,
            "user-agent": f"killcord-{CLIENT}",
        }
        self._lock = threading.Lock()
        self._idle: list[http.client.HTTPConnection] = []
        self._pool = DaemonPool("rest")
        self._closed = False

    def call(self, call: Call, seconds: float) -> Reply:
        body = dict(call.body)
        path = re.sub(r"\{(\w+)\}", lambda name: quote(body.pop(name[1]), safe=""), call.path)
        given = {name: value for name, value in body.items() if value is not None}
        try:
            data = json.dumps(given, allow_nan=False).encode() if given else None
        except (TypeError, ValueError) as error:
            raise KillcordError(f"invalid_argument: {error}", code="invalid_argument") from error
        return self._read(*self._exchange(call.method, path, data, seconds))

    def begin(
        self, call: Call, seconds: float, done: Callable[[Reply | None, KillcordError | None], None]
    ) -> Callable[[], None]:
        def run() -> None:
            try:
                reply = self.call(call, seconds)
            except KillcordError as error:
                done(None, error)
            else:
                done(reply, None)

        self._pool.submit(run)
        return lambda: None

    def watch(self, session_ids: Sequence[str], resume_token: str) -> Stream:
        query = [("session_ids", each) for each in session_ids]
        if resume_token:
            query.append(("resume_token", resume_token))
        return self._stream("/v1/enforce/sessions:watch", query)

    def watch_escalation(self, escalation_id: str) -> Stream:
        return self._stream("/v1/enforce/escalations:watch", [("escalation_ids", escalation_id)])

    def _stream(self, path: str, query: list[tuple[str, str]]) -> Stream:
        path = f"{path}?{urlencode(query)}"
        return _RestStream(self._connect(SILENCE_SECONDS), path, self._headers, self._read)

    def reachable(self, seconds: float) -> bool:
        """Whether a server answers plain HTTP here."""
        connection = self._connect(seconds)
        try:
            connection.request("GET", "/healthz", headers={})
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _exchange(self, method: str, path: str, data: bytes | None, seconds: float) -> tuple[int, bytes]:
        """One request and its answer. A connection that was kept may have been closed at the other
        end, which shows only when it is used: then a fresh one is tried. All calls may be repeated."""
        while True:
            connection = self._kept()
            fresh = connection is None
            if connection is None:
                connection = self._connect(seconds)
            try:
                return self._send(connection, method, path, data, seconds)
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                if fresh or isinstance(error, socket.timeout):
                    raise ServerUnreachable(
                        _why(error, self._host, self._port), code="unavailable"
                    ) from error

    def _send(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        data: bytes | None,
        seconds: float,
    ) -> tuple[int, bytes]:
        if connection.sock is not None:
            connection.sock.settimeout(seconds)
        connection.request(method, path, body=data, headers=self._headers)
        response = connection.getresponse()
        body = response.read()
        if response.will_close:
            connection.close()
        else:
            self._keep(connection)
        return response.status, body

    def _read(self, status: int, body: bytes) -> Reply:
        try:
            reply = json.loads(body)
            if status == 200 and isinstance(reply, dict):
                return reply
            error = reply["error"]
            code, message = str(error["code"]), str(error.get("message", ""))
        except (ValueError, KeyError, TypeError, AttributeError):
            name = _STATUS.get(status, "unavailable" if status >= 500 or status == 200 else "unknown")
            raise refusal(name, "", f"HTTP status {status}, and no answer of Killcord's") from None
        raise refusal(_STATUS.get(status, code), code, message)

    def _connect(self, seconds: float) -> http.client.HTTPConnection:
        if self._closed:
            raise ServerUnreachable("the client is closed", code="canceled")
        if self._tls is not None:
            return http.client.HTTPSConnection(self._host, self._port, timeout=seconds, context=self._tls)
        return http.client.HTTPConnection(self._host, self._port, timeout=seconds)

    def _kept(self) -> http.client.HTTPConnection | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _keep(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            if not self._closed and len(self._idle) < _IDLE_CONNECTIONS_MAX:
                self._idle.append(connection)
                return
        connection.close()


class _RestStream(Stream):
    """A watch as server-sent events."""

    def __init__(
        self,
        connection: http.client.HTTPConnection,
        path: str,
        headers: dict[str, str],
        read: Callable[[int, bytes], Reply],
    ) -> None:
        self._connection = connection
        self._path = path
        self._headers = headers
        self._refuse = read
        self._cancelled = False

    def __iter__(self) -> Iterator[Reply]:
        connection = self._connection
        try:
            connection.request("GET", self._path, headers={**self._headers, "accept": "text/event-stream"})
            if self._cancelled:
                raise OSError("given up")
            response = connection.getresponse()
            if response.status != 200:
                self._refuse(response.status, response.read())
            for event, data in _sse.events(response):
                yield self._message(event, data)
        except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
            # AttributeError is http.client's own, when another thread has closed what it reads from.
            why = "the watch was closed" if self._cancelled else f"the watch was cut: {error}"
            raise ServerUnreachable(why, code="unavailable") from error
        finally:
            connection.close()

    def cancel(self) -> None:
        self._cancelled = True
        held = self._connection.sock
        if held is not None:
            try:
                # Wakes the thread that reads; closing would not.
                held.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _message(self, event: str, data: str) -> Reply:
        message: dict[str, Any] = json.loads(data)
        if event == "error":
            error = message.get("error") or {}
            code = str(error.get("code") or "unavailable")
            status = "unauthenticated" if code.endswith("_api_key") else code
            raise refusal(status, code, str(error.get("message") or ""))
        return message


def _why(error: Exception, host: str, port: int) -> str:
    text = "timed out" if isinstance(error, socket.timeout) else str(error) or type(error).__name__
    return f"{host}:{port}: {text}"
