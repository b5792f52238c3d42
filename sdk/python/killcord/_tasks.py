"""Tasks of an event loop that end when a run is stopped: in the middle of an await."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from contextvars import ContextVar, Token
from typing import Any, Callable, TypeVar, cast

from ._run import Run
from .errors import SessionTerminated

T = TypeVar("T")

#: Since 3.11 a task counts who wants it cancelled, so that one's cancellation is told from another's.
COUNTS = sys.version_info >= (3, 11)

#: The scopes that code runs in; tasks inherit it from those that start them.
_inside: ContextVar[tuple[Scope, ...]] = ContextVar("killcord_scopes", default=())


def _cancelling(task: asyncio.Task[Any]) -> int:
    if sys.version_info >= (3, 11):
        return task.cancelling()
    return 0


class Scope:
    """The tasks that end with a run: the one that opened the scope, and those that are started inside."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._loop = asyncio.get_running_loop()
        owner = asyncio.current_task()
        if owner is None:
            raise RuntimeError("killcord: no task runs here; use `async with` inside a coroutine")
        self._owner: asyncio.Task[Any] = owner
        self._tasks: set[asyncio.Task[Any]] = set()
        self._told: set[asyncio.Task[Any]] = set()
        #: How often each task was cancelled from here.
        self._cancels: dict[asyncio.Task[Any], int] = {}
        self._cancelling = _cancelling(owner)
        self._token: Token[tuple[Scope, ...]] | None = None
        #: Whether its block is not entered yet, or left.
        self.left = True
        self._over = False

    def enter(self) -> None:
        """Begins it. Raises SessionTerminated when the run is stopped already."""
        self._run.check_stopped()
        self.left = False
        _enter_loop(self._loop)
        self._token = _inside.set((*_inside.get(), self))
        self._run.begin()
        self._join()
        if self._run.stop is not None:
            self.cancel(False)

    def _join(self) -> None:
        with self._run.changed:
            if self not in self._run.work:
                self._run.work.append(self)

    def start(self, coro: Coroutine[Any, Any, T], name: str | None) -> asyncio.Task[T]:
        """Starts a task that ends with the run, also where nothing has entered the scope."""
        try:
            self._run.check_stopped()
        except SessionTerminated:
            coro.close()
            raise
        task: asyncio.Task[T] = self._loop.create_task(coro)
        if name is not None:
            task.set_name(name)
        self.adopt(task)
        if self._run.stop is not None:
            self.cancel(False)
        return task

    def covers(self, task: asyncio.Task[Any] | None) -> bool:
        """Whether a stop of the run ends this task."""
        return task is not None and (task in self._tasks or (task is self._owner and not self.left))

    def inherit(self, task: asyncio.Task[Any]) -> None:
        """A task was started by one that is inside. After the block that is its own affair, unless the
        run was stopped: then what is left of it starts nothing that goes on."""
        if not self.left or self._run.stop is not None:
            self.adopt(task)

    def adopt(self, task: asyncio.Task[Any]) -> None:
        """A task that was started inside. In the loop's thread."""
        if task.done() or task in self._tasks:
            return
        self._tasks.add(task)
        self._run.begin()
        self._join()
        task.add_done_callback(self._ended)
        if self._over:
            self._loop.call_soon(self._end, task)

    def told(self, task: asyncio.Task[Any]) -> None:
        self._told.add(task)

    def cancel(self, again: bool) -> None:
        try:
            self._loop.call_soon_threadsafe(self._cancel, again)
        except RuntimeError:
            # The loop is closed, and with it all that ran on it.
            pass

    def leave(self, error: BaseException | None) -> bool:
        """Ends it. Answers whether what leaves the block is our cancellation, and nobody else's."""
        self.left = True
        if self._token is not None:
            try:
                _inside.reset(self._token)
            except ValueError:
                # Left in another context than it was entered in, whose end ends this too.
                pass
        self._settle()
        self._run.finish()
        return self._ours(error)

    def _ours(self, error: BaseException | None) -> bool:
        times = self._cancels.pop(self._owner, 0)
        if times == 0:
            return False
        if sys.version_info >= (3, 11) and COUNTS:
            left = 0
            for _ in range(times):
                left = self._owner.uncancel()
            return isinstance(error, asyncio.CancelledError) and left <= self._cancelling
        # Who else wants it cancelled cannot be known here. The task ends either way.
        return isinstance(error, asyncio.CancelledError)

    def _cancel(self, again: bool) -> None:
        self._over = again
        if not self.left and (again or self._owner not in self._told):
            self._end(self._owner)
        for task in list(self._tasks):
            if again or task not in self._told:
                self._end(task)

    def _end(self, task: asyncio.Task[Any]) -> None:
        if not task.done():
            self._cancels[task] = self._cancels.get(task, 0) + 1
            task.cancel()

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        self._cancels.pop(task, None)
        self._settle()
        self._run.finish()

    def _settle(self) -> None:
        """When the block is left and its tasks have ended, there is nothing more to look after."""
        if not self.left or self._tasks:
            return
        with self._run.changed:
            self._run.work = [each for each in self._run.work if each is not self]
        if self._token is not None:
            self._token = None
            _leave_loop(self._loop)


def covered(run: Run) -> bool:
    """Whether a stop of the run ends the task that runs here."""
    task = asyncio.current_task()
    return any(isinstance(each, Scope) and each.covers(task) for each in list(run.work))


@asynccontextmanager
async def covering(run: Run) -> AsyncIterator[None]:
    """A block that a stop ends with SessionTerminated, in a task that nothing else of the run covers."""
    scope = Scope(run)
    scope.enter()
    error: BaseException | None = None
    try:
        yield
    except BaseException as raised:
        error = raised
        raise
    finally:
        if scope.leave(error):
            raise run.terminated() from error


class _Factory:
    """Has a loop tell scopes of the tasks that are started inside them, while there are any."""

    def __init__(self) -> None:
        self._scopes = 0
        self._before: Callable[..., Any] | None = None

    def enter(self, loop: asyncio.AbstractEventLoop) -> None:
        self._scopes += 1
        if self._scopes == 1:
            self._before = loop.get_task_factory()
            loop.set_task_factory(cast(Any, self.make))

    def leave(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Answers whether no scope is left."""
        self._scopes -= 1
        # Where another factory was put around this one, this one stays and has nothing to do.
        if self._scopes == 0 and loop.get_task_factory() == self.make:
            loop.set_task_factory(self._before)
        return self._scopes == 0

    def make(
        self, loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, Any], **more: Any
    ) -> asyncio.Task[Any]:
        task: asyncio.Task[Any]
        if self._before is None:
            task = asyncio.Task(coro, loop=loop, **more)
        else:
            task = self._before(loop, coro, **more)
        context = more.get("context")
        for scope in _inside.get() if context is None else context.get(_inside, ()):
            scope.inherit(task)
        return task


_factories: dict[asyncio.AbstractEventLoop, _Factory] = {}


def _enter_loop(loop: asyncio.AbstractEventLoop) -> None:
    _factories.setdefault(loop, _Factory()).enter(loop)


def _leave_loop(loop: asyncio.AbstractEventLoop) -> None:
    factory = _factories.get(loop)
    if factory is not None and factory.leave(loop):
        del _factories[loop]
