"""Tools that ask before they run."""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
import re
from typing import Any, Callable, TypeVar, cast

from ._asking import action
from ._money import Cost, cost_body
from ._opened import Opened
from ._tasks import covered, covering
from .errors import KillcordError
from .reservation import Reservation

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


def wrapped(
    now: Callable[[], Opened],
    fn: F,
    name: str | None,
    estimate: Cost | Callable[..., Cost] | None,
    actual: Callable[[Any], Cost] | None,
) -> F:
    """The function, asking before each call. `now` is the session when it is called."""
    kind = name or name_of(fn)
    if actual is not None and estimate is None:
        raise ValueError("actual goes with an estimate: without one nothing is held that could be settled")

    def asking(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Asked:
        expected = estimate(*args, **kwargs) if callable(estimate) else estimate
        body = action(kind, content_of(fn, args, kwargs), estimate=expected)
        return Asked(now, body, expected, actual)

    async def awaited(*args: Any, **kwargs: Any) -> Any:
        opened = now()
        async with asking(args, kwargs) as asked:
            if covered(opened.run):
                result = await fn(*args, **kwargs)
            else:
                async with covering(opened.run):
                    result = await fn(*args, **kwargs)
            await asked.apay(result)
        opened.run.check_stopped()
        return result

    def called(*args: Any, **kwargs: Any) -> Any:
        opened = now()
        with asking(args, kwargs) as asked:
            opened.run.begin()
            try:
                result = fn(*args, **kwargs)
            finally:
                opened.run.finish()
            asked.pay(result)
        # A pause is left to the next question: what was done is done, and its result is due.
        opened.run.check_stopped()
        return result

    # Frameworks read name, docstring, annotations and signature of a tool.
    return cast(F, functools.update_wrapper(awaited if is_async(fn) else called, fn))


class Asked(Reservation):
    """The permission for one call, and what it holds."""

    def __init__(
        self,
        now: Callable[[], Opened],
        body: dict[str, Any],
        expected: Cost | None,
        actual: Callable[[Any], Cost] | None,
    ) -> None:
        super().__init__(now, body, None)
        self._expected = expected
        self._actual = actual
        # Nothing is held for a call without an estimate.
        self._said = expected is None

    def pay(self, result: Any) -> None:
        """The call has ended well: that its cost could not be said takes its result from nobody."""
        cost = self._cost(result)
        if cost is not None:
            try:
                self.settle(**cost)
            except KillcordError as error:
                self._lost(error)

    async def apay(self, result: Any) -> None:
        cost = self._cost(result)
        if cost is not None:
            try:
                await self.asettle(**cost)
            except KillcordError as error:
                self._lost(error)

    def _cost(self, result: Any) -> Cost | None:
        """What cannot be read, or is no amount, is raised, and the estimate stands."""
        if self._expected is None:
            return None
        self._said = True
        cost = self._expected if self._actual is None else self._actual(result)
        cost_body("actual", cost)
        return cost
