"""One run of one agent: opened, asked for, watched, ended."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Mapping
from types import TracebackType
from typing import Any, Callable, TypeVar, overload

from ._asking import action
from ._halt import StopCallback
from ._life import Life
from ._money import Cost
from ._options import Budgets, LeaseLost, OnEscalate, WhenPaused, start_body
from ._state import PolicyWarning, Verdict
from ._tools import F, wrapped
from .client import Client
from .spending import Spending

T = TypeVar("T")


class RuntimeSession(Spending):
    """One run of one agent, for as long as the block lasts:

        with RuntimeSession(client, agent_id="loan-bot", budgets={"max_actions": 200}) as sess:
            sess.guard()
            sess.intercept("transfer_funds", action_content=text)

    `async with` does the same, and cancels the task of the block and those that are started in it
    when the run is stopped; the block then raises SessionTerminated.

    `budgets`: limits of actions, tokens, money and time; none means an idle timeout of a day.
    `lease_seconds`: how long the run may go on without hearing from the server, 2 to 300, or None;
    `on_lease_lost`: what happens then, `kill`, `pause` or `continue`. `grace_seconds`: how long work may
    take to end after a stop. `when_paused`: `throw`, or `wait` until the run is resumed.
    `on_escalate`: `wait` until a person has approved an action or refused it, or `raise`. `fail_open`:
    lets actions pass while the server cannot be reached, and logs each. `parent_session_id`: by default
    KILLCORD_SESSION_ID, which a supervisor sets; "" for none.

    Entering raises ServerUnreachable, AccessDenied or KillcordError when no session is opened.
    """

    def __init__(
        self,
        client: Client,
        *,
        agent_id: str | None = None,
        budgets: Budgets | None = None,
        label: str | None = None,
        credential_id: str | None = None,
        parent_session_id: str | None = None,
        lease_seconds: int | None = 30,
        on_lease_lost: LeaseLost = "kill",
        grace_seconds: float = 5.0,
        when_paused: WhenPaused = "throw",
        on_escalate: OnEscalate = "wait",
        fail_open: bool = False,
        timeout_seconds: float | None = None,
    ) -> None:
        if on_escalate not in ("wait", "raise"):
            raise ValueError(f"on_escalate is wait or raise, not {on_escalate!r}")
        if parent_session_id is None:
            parent_session_id = os.environ.get("KILLCORD_SESSION_ID")
        body = start_body(
            agent_id, budgets, label, credential_id, parent_session_id or None, lease_seconds, on_lease_lost
        )
        self._life = Life(
            client,
            body,
            on_lease_lost=on_lease_lost,
            grace_seconds=grace_seconds,
            when_paused=when_paused,
            on_escalate=on_escalate,
            fail_open=fail_open,
            timeout_seconds=client.timeout_seconds if timeout_seconds is None else timeout_seconds,
        )

    # The block.

    def __enter__(self) -> RuntimeSession:
        self._life.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._life.leave(error)

    async def __aenter__(self) -> RuntimeSession:
        await self._life.aenter()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._life.aleave(error)

    def start(self) -> None:
        """Opens the session; a block does that. Tried again until the timeout, and never opens two."""
        self._life.start()

    def close(self) -> None:
        """Ends the session; leaving the block does that. After a stop it waits for the work to end, as
        long as the grace, and for the server to know it, as long as the timeout.

        Raises SessionTerminated when the run was stopped before it could end.
        """
        self._life.close()

    # What the run asks.

    @property
    def session_id(self) -> str:
        """`sess_` and 24 hex digits. Raises RuntimeError before the session is opened."""
        return self._life.now().run.session_id

    @property
    def status(self) -> str:
        """`active`, `paused`, `killed`, `expired` or `ended`, as far as this process has heard."""
        return self._life.now().run.status

    @property
    def stopped(self) -> bool:
        """Whether the run is over."""
        self._life.now().run.check_lease()
        return self._life.now().run.stop is not None

    def guard(self) -> None:
        """Goes on only while the run may. Costs no call.

        Raises SessionTerminated when it is over, SessionPaused while it is held; with `when_paused`
        `wait` it waits instead, except in the thread of an event loop.
        """
        opened = self._life.now()
        if opened.asker.waits():
            opened.run.wait_resumed()
        opened.run.check()

    def wait_stopped(self, timeout_seconds: float | None = None) -> bool:
        """Sleeps until the run is stopped, or the time is over. Answers whether it is stopped."""
        run = self._life.now().run
        with run.changed:
            return run.changed.wait_for(lambda: run.stop is not None, timeout_seconds)

    def intercept(
        self,
        action_type: str,
        action_content: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        *,
        cost: Cost | None = None,
        estimate: Cost | None = None,
        escalation_id: str | None = None,
        chain_id: str | None = None,
        chain_step: int | None = None,
        parent_decision_id: str | None = None,
        idempotency_key: str | None = None,
        timeout_seconds: float | None = None,
    ) -> Verdict:
        """Asks for one action, and returns when it is allowed.

        `action_type` is 1 to 128 of `A-Z a-z 0-9 _ . : / -`, `action_content` at most 256 KiB of text,
        of which only a digest is kept, `metadata` facts that are sealed. `cost` (`tokens`, `cost_usd`)
        is charged by an allow; `estimate` is held by it, until it is settled or cancelled by its
        `decision_id`: see `reserve`. `escalation_id` is an approval that was given for this same action.
        `idempotency_key` makes a repeat the same action.

        Raises ActionBlocked, SessionPaused, SessionTerminated; ActionEscalated with `on_escalate`
        `raise`, or in the thread of an event loop, else it waits for a person; ServerUnreachable when
        there is no answer within the timeout (5 s by default), AccessDenied, KillcordError. Each of
        them means no.
        """
        body = action(
            action_type,
            action_content,
            metadata,
            chain_id=chain_id,
            chain_step=chain_step,
            parent_decision_id=parent_decision_id,
            cost=cost,
            estimate=estimate,
            escalation_id=escalation_id,
            idempotency_key=idempotency_key,
        )
        return self._life.now().asker.ask(body, timeout_seconds)

    async def aintercept(
        self,
        action_type: str,
        action_content: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        *,
        cost: Cost | None = None,
        estimate: Cost | None = None,
        escalation_id: str | None = None,
        chain_id: str | None = None,
        chain_step: int | None = None,
        parent_decision_id: str | None = None,
        idempotency_key: str | None = None,
        timeout_seconds: float | None = None,
    ) -> Verdict:
        """`intercept` for coroutines."""
        body = action(
            action_type,
            action_content,
            metadata,
            chain_id=chain_id,
            chain_step=chain_step,
            parent_decision_id=parent_decision_id,
            cost=cost,
            estimate=estimate,
            escalation_id=escalation_id,
            idempotency_key=idempotency_key,
        )
        return await self._life.now().asker.aask(body, timeout_seconds)

    # What goes on in it.

    def on_stop(self, fn: StopCallback) -> StopCallback:
        """Has a function called with the SessionTerminated when the run is stopped, in a thread of its
        own, or on the loop if it is a coroutine function; at once when it is stopped already. Also a
        decorator."""
        self._life.now().halting.add(fn)
        return fn

    def on_pause(self, fn: Callable[[str], Any]) -> Callable[[str], Any]:
        """Has a function called with the reason each time the run is paused. Also a decorator."""
        self._life.now().on_pause.append(fn)
        return fn

    def on_resume(self, fn: Callable[[], Any]) -> Callable[[], Any]:
        """Has a function called each time the run is resumed. Also a decorator."""
        self._life.now().on_resume.append(fn)
        return fn

    def on_warning(self, fn: Callable[[PolicyWarning], Any]) -> Callable[[PolicyWarning], Any]:
        """Has a function called with each warning that comes with a verdict or a settlement: a share of a
        budget is used, or a policy has something to say. Without one they are logged. Also a decorator."""
        self._life.now().on_warning.append(fn)
        return fn

    def create_task(self, coro: Coroutine[Any, Any, T], *, name: str | None = None) -> asyncio.Task[T]:
        """Starts a task that is cancelled when the run is stopped. In `async with`, plain
        `asyncio.create_task` does as much."""
        return self._life.create_task(coro, name)

    def wrap(
        self,
        fn: F,
        *,
        name: str | None = None,
        estimate: Cost | Callable[..., Cost] | None = None,
        actual: Callable[[Any], Cost] | None = None,
    ) -> F:
        """The function, asking before each call: what it is (`name`, by default the function's), with
        its arguments as JSON. A coroutine function is cancelled by a stop in the middle of its await;
        any function raises SessionTerminated when the run was stopped while it ran. `estimate` is what a
        call may cost, or a function of its arguments that says it: held before, and settled after with
        what `actual` reads from the result, by default the estimate. Raises TypeError for generators."""
        return wrapped(self._life.now, fn, name, estimate, actual)

    @overload
    def tool(self, fn: F) -> F: ...

    @overload
    def tool(
        self,
        *,
        name: str | None = None,
        estimate: Cost | Callable[..., Cost] | None = None,
        actual: Callable[[Any], Cost] | None = None,
    ) -> Callable[[F], F]: ...

    def tool(
        self,
        fn: F | None = None,
        *,
        name: str | None = None,
        estimate: Cost | Callable[..., Cost] | None = None,
        actual: Callable[[Any], Cost] | None = None,
    ) -> F | Callable[[F], F]:
        """`wrap` as a decorator: `@sess.tool` or `@sess.tool(name="transfer_funds")`."""
        if fn is not None:
            return self.wrap(fn, name=name, estimate=estimate, actual=actual)
        return lambda each: self.wrap(each, name=name, estimate=estimate, actual=actual)
