"""Between the JSON of REST, which this package speaks, and the messages that gRPC sends."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Callable

from . import _proto


def coders(rpc: str) -> tuple[Callable[[Any], bytes], Callable[[bytes], Any]]:
    """What writes the request of a method, and what reads its answer."""
    return _kind(rpc, "Request").SerializeToString, _kind(rpc, "Response").FromString


def request(rpc: str, body: Mapping[str, Any]) -> Any:
    """A request of a method. Raises ValueError for a value that does not fit its field."""
    message = _kind(rpc, "Request")()
    try:
        _fill(message, body)
    except TypeError as error:
        raise ValueError(str(error)) from error
    return message


def reply(message: Any) -> dict[str, Any]:
    """An answer in the form of REST, without times. What is all of it, a session or an escalation, is at
    the top, as REST has it."""
    read = _read(message)
    fields = list(message.DESCRIPTOR.fields_by_name)
    if fields in (["session"], ["escalation"]) and fields[0] in read:
        whole: dict[str, Any] = read[fields[0]]
        return whole
    return read


@cache
def _kind(rpc: str, suffix: str) -> Any:
    return _proto.message(f"killcord.v1.{rpc.split('/')[1]}{suffix}")


def _fill(message: Any, body: Mapping[str, Any]) -> None:
    for name, value in body.items():
        if value is None:
            continue
        field = message.DESCRIPTOR.fields_by_name.get(name)
        if field is None:
            raise ValueError(f"{message.DESCRIPTOR.name} has no {name}")
        if field.enum_type is not None:
            setattr(message, name, _number(field.enum_type, value))
        elif field.message_type is None:
            if isinstance(value, (list, tuple)):
                getattr(message, name).extend(value)
            else:
                setattr(message, name, value)
        elif field.message_type.full_name == "google.protobuf.Struct":
            getattr(message, name).update(value)
        else:
            getattr(message, name).SetInParent()
            _fill(getattr(message, name), value)


def _read(message: Any) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for field, value in message.ListFields():
        if field.enum_type is not None:
            told[field.name] = _word(field.enum_type, value)
        elif field.message_type is None:
            told[field.name] = value
        elif field.message_type.full_name == "google.protobuf.Timestamp":
            continue
        elif isinstance(value, type(message)) or hasattr(value, "ListFields"):
            told[field.name] = _read(value)
        else:
            told[field.name] = [_read(each) for each in value]
    return told


def _number(enum: Any, word: str) -> int:
    value = enum.values_by_name.get(_prefix(enum) + word.upper())
    if value is None:
        raise ValueError(f"{word!r} is no {enum.name}")
    number: int = value.number
    return number


def _word(enum: Any, number: int) -> str:
    """Lower case without the enum's name; `unknown(N)` for one of a newer server."""
    value = enum.values_by_number.get(number)
    if value is None:
        return f"unknown({number})"
    word: str = value.name[len(_prefix(enum)) :].lower()
    return word


def _prefix(enum: Any) -> str:
    """SESSION_STATUS_ for SessionStatus."""
    return re.sub(r"(?<=.)(?=[A-Z])", "_", str(enum.name)).upper() + "_"
