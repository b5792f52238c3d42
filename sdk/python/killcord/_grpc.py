"""The way of gRPC: one HTTP/2 connection for everything. Needs grpcio and protobuf."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Callable
from urllib.parse import urlsplit

import grpc

from . import _messages, _proto
from ._wire import CLIENT, Call, Reply, Stream, Transport, refusal
from .errors import KillcordError, ServerUnreachable

#: Faults of the way and not of the server, which would have said a code of its own.
_CUT = ("internal", "unknown", "unavailable", "aborted", "cancelled", "deadline_exceeded")

_OPTIONS = [
    # Tells a connection whose other end is gone from one on which nothing happens. A watch has a
    # bookmark every 15 s at most, so that no server takes this for a flood.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # Retries are ours: they keep one idempotency key.
    ("grpc.enable_retries", 0),
    ("grpc.primary_user_agent", f"killcord-{CLIENT}"),
]


class GrpcTransport(Transport):
    name = "gRPC"
    watch_ids_max = 10_000

    def __init__(self, url: str, api_key: str, ca_file: str | None) -> None:
        self._metadata = (("x-api-key", api_key), ("x-killcord-client", CLIENT))
        self._channel = _channel(url, ca_file)
        self._methods: dict[str, Any] = {}

    def call(self, call: Call, seconds: float) -> Reply:
        try:
            answer = self._method(call.rpc)(
                _messages.request(call.rpc, call.body), timeout=seconds, metadata=self._metadata
            )
        except grpc.RpcError as error:
            raise _error(error) from None
        except ValueError as error:
            raise _misuse(error) from error
        return _messages.reply(answer)

    def begin(
        self, call: Call, seconds: float, done: Callable[[Reply | None, KillcordError | None], None]
    ) -> Callable[[], None]:
        try:
            future = self._method(call.rpc).future(
                _messages.request(call.rpc, call.body), timeout=seconds, metadata=self._metadata
            )
        except ValueError as error:
            raise _misuse(error) from error

        def ended(future: Any) -> None:
            try:
                answer = future.result()
            except grpc.RpcError as error:
                done(None, _error(error))
            except grpc.FutureCancelledError:
                done(None, ServerUnreachable("the call was given up", code="canceled"))
            else:
                done(_messages.reply(answer), None)

        future.add_done_callback(ended)
        return lambda: future.cancel()

    def watch(self, session_ids: Sequence[str], resume_token: str) -> Stream:
        body = {"session_ids": list(session_ids), "resume_token": resume_token}
        return self._stream("SessionService/WatchSessions", body)

    def watch_escalation(self, escalation_id: str) -> Stream:
        return self._stream("EscalationService/WatchEscalations", {"escalation_ids": [escalation_id]})

    def _stream(self, rpc: str, body: dict[str, Any]) -> Stream:
        method = self._channel.unary_stream(f"/killcord.v1.{rpc}", *_messages.coders(rpc))
        return _GrpcStream(method(_messages.request(rpc, body), metadata=self._metadata))

    def close(self) -> None:
        self._channel.close()

    def _method(self, rpc: str) -> Any:
        method = self._methods.get(rpc)
        if method is None:
            method = self._channel.unary_unary(f"/killcord.v1.{rpc}", *_messages.coders(rpc))
            self._methods[rpc] = method
        return method


class _GrpcStream(Stream):
    def __init__(self, call: Any) -> None:
        self._call = call

    def __iter__(self) -> Iterator[Reply]:
        try:
            for answer in self._call:
                yield _messages.reply(answer)
        except grpc.RpcError as error:
            raise _error(error) from None

    def cancel(self) -> None:
        self._call.cancel()


def _channel(url: str, ca_file: str | None) -> Any:
    place = urlsplit(url)
    if place.scheme == "http":
        return grpc.insecure_channel(f"{place.hostname}:{place.port or 80}", options=_OPTIONS)
    roots = ca_file or os.environ.get("SSL_CERT_FILE")
    trusted: bytes | None = None
    if roots:
        with open(roots, "rb") as file:
            trusted = file.read()
    credentials = grpc.ssl_channel_credentials(root_certificates=trusted)
    return grpc.secure_channel(f"{place.hostname}:{place.port or 443}", credentials, options=_OPTIONS)


def _misuse(error: ValueError) -> KillcordError:
    """A closed channel, or a value that no message takes."""
    if "closed" in str(error).lower():
        return ServerUnreachable("the client is closed", code="canceled")
    return KillcordError(f"invalid_argument: {error}", code="invalid_argument")


def _error(error: Any) -> KillcordError:
    status: str = error.code().name.lower()
    code, message = _told(error.trailing_metadata() or ())
    if not code and status in _CUT:
        return ServerUnreachable(f"{status}: {error.details()}", code="unavailable")
    return refusal(status, code, message or str(error.details() or ""))


def _told(metadata: Sequence[tuple[str, Any]]) -> tuple[str, str]:
    """The code of docs/errors.md and the text; "" where the server said neither."""
    for name, value in metadata:
        if name == "grpc-status-details-bin":
            status = _proto.message("google.rpc.Status").FromString(value)
            return _reason(status.details), str(status.message)
    return "", ""


def _reason(details: list[Any]) -> str:
    for detail in details:
        if detail.type_url.endswith("/google.rpc.ErrorInfo"):
            info: Mapping[str, str] = detail.value
            told = _proto.message("google.rpc.ErrorInfo").FromString(info)
            if told.domain == "killcord":
                return str(told.reason)
    return ""
