"""Between threads and the event loop of whoever awaits."""

from __future__ import annotations

import asyncio
from typing import Callable, TypeVar

from ._threads import spawn
from ._wire import Call, Reply, Transport
from .errors import KillcordError

T = TypeVar("T")


async def in_thread(name: str, run: Callable[[], T]) -> T:
    """Runs what blocks in a thread of its own. When the await is cancelled, the thread goes on alone."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def work() -> None:
        try:
            result, error = run(), None
        except BaseException as raised:  # Whatever it is, it belongs to the one who awaits.
            _later(loop, lambda raised=raised: settle(None, raised))  # type: ignore[misc]
        else:
            _later(loop, lambda: settle(result, error))

    spawn(name, work)
    return await future


async def answer(transport: Transport, call: Call, seconds: float) -> Reply:
    """One attempt of a unary call, given up when the await is cancelled. Raises KillcordError."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Reply] = loop.create_future()

    def settle(reply: Reply | None, error: KillcordError | None) -> None:
        if future.done():
            return
        if reply is not None:
            future.set_result(reply)
        else:
            future.set_exception(error or KillcordError("no answer and no error"))

    give_up = transport.begin(call, seconds, lambda reply, error: _later(loop, lambda: settle(reply, error)))
    try:
        return await future
    except asyncio.CancelledError:
        give_up()
        raise


def _later(loop: asyncio.AbstractEventLoop, run: Callable[[], None]) -> None:
    try:
        loop.call_soon_threadsafe(run)
    except RuntimeError:
        # The loop is closed: nobody awaits it any more.
        pass
