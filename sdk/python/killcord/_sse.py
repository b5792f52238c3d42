"""Server-sent events: the part of the format that a watch uses, and tolerance for the rest of it."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPResponse

#: Longer lines are no events of ours: a session is some hundred bytes.
_LINE_BYTES_MAX = 1 << 20


def events(response: HTTPResponse) -> Iterator[tuple[str, str]]:
    """Name and data of each event, as they come. Raises ValueError for a line without an end."""
    name = "message"
    data: list[str] = []
    while True:
        line: bytes | str = response.readline(_LINE_BYTES_MAX)
        if not line:
            return
        text = line.decode("utf-8") if isinstance(line, bytes) else line
        if not text.endswith("\n"):
            raise ValueError("an event was cut, or is too long")
        text = text.rstrip("\r\n")
        if text == "":
            if data:
                yield name, "\n".join(data)
            name, data = "message", []
            continue
        field, _, value = text.partition(":")
        value = value[1:] if value.startswith(" ") else value
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
