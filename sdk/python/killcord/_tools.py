"""Tools that ask before they run."""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
import re
from typing import Any, Callable, TypeVar, cast

from ._asking import action
from ._opened import Opened
from ._tasks import covered, covering

F = TypeVar("F", bound=Callable[..., Any])

#: What the server takes of an action's text.
_CONTENT_BYTES_MAX = 256 * 1024


def name_of(fn: Callable[..., Any]) -> str:
    """The kind of action that calling it is: its name, in the characters that one may have."""
    name = getattr(fn, "__name__", None) or type(fn).__name__
    return re.sub(r"[^A-Za-z0-9_.:/-]", "_", name)[:128]


def content_of(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """The arguments as JSON, by name; of very long ones their size and SHA-256."""
    try:
        given: Any = dict(inspect.signature(fn).bind(*args, **kwargs).arguments)
    except (TypeError, ValueError):
        # Those that do not fit fail when it is called; some builtins have no signature.
        given = {"args": list(args), "kwargs": kwargs}
    text = json.dumps(given, default=str, ensure_ascii=False)
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= _CONTENT_BYTES_MAX:
        return encoded.decode()
    return json.dumps({"bytes": len(encoded), "sha256": hashlib.sha256(encoded).hexdigest()})


def is_async(fn: Callable[..., Any]) -> bool:
    """Whether calling it gives something to await. Raises TypeError for generators: their body runs
    after the call, piece by piece, where nothing can stand around it."""
    inside = type(fn).__call__
    for each in (fn, inside):
        if inspect.isgeneratorfunction(each) or inspect.isasyncgenfunction(each):
            raise TypeError(f"{name_of(fn)} is a generator: ask with intercept() for what its steps do")
    return inspect.iscoroutinefunction(fn) or inspect.iscoroutinefunction(inside)


def wrapped(now: Callable[[], Opened], fn: F, name: str | None) -> F:
    """The function, asking before each call. `now` is the session when it is called."""
    kind = name or name_of(fn)

    def question(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        return action(kind, content_of(fn, args, kwargs), None, None, None, None)

    async def awaited(*args: Any, **kwargs: Any) -> Any:
        opened = now()
        await opened.asker.aask(question(args, kwargs), None)
        if covered(opened.run):
            result = await fn(*args, **kwargs)
        else:
            async with covering(opened.run):
                result = await fn(*args, **kwargs)
        opened.run.check_stopped()
        return result

    def called(*args: Any, **kwargs: Any) -> Any:
        opened = now()
        opened.asker.ask(question(args, kwargs), None)
        opened.run.begin()
        try:
            result = fn(*args, **kwargs)
        finally:
            opened.run.finish()
        # A pause is left to the next question: what was done is done, and its result is due.
        opened.run.check_stopped()
        return result

    # Frameworks read name, docstring, annotations and signature of a tool.
    return cast(F, functools.update_wrapper(awaited if is_async(fn) else called, fn))
