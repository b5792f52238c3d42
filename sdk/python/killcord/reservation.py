"""What an action may cost is held for it; what it did cost is said afterwards."""

from __future__ import annotations

import asyncio
import logging
from types import TracebackType
from typing import Any, Callable, TypeVar

from ._money import Usd
from ._opened import Opened
from ._run import failure
from ._settling import Settler
from ._state import Settlement, Verdict
from .errors import KillcordError

log = logging.getLogger("killcord")

R = TypeVar("R", bound="Reservation")


class Reservation:
    """Leave to do one action, which holds its estimate for as long as the block lasts:

        with sess.reserve("llm_call", estimate={"tokens": 4000}) as held:
            answer = call_the_model()
            held.settle(tokens=answer.usage.total_tokens)

    `async with` does the same, with `asettle`. Entering asks for the action, and raises what
    RuntimeSession.intercept does. A block that is left without a word, by an exception or otherwise,
    gives the estimate back: where money was spent before something failed, settle first.
    """

    def __init__(
        self, now: Callable[[], Opened], body: dict[str, Any], timeout_seconds: float | None
    ) -> None:
        self._now = now
        self._body = body
        self._timeout = timeout_seconds
        self._verdict: Verdict | None = None
        self._said = False

    # The block.

    def __enter__(self: R) -> R:
        self._verdict = self._now().asker.ask(self._body, self._timeout)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._said:
            try:
                self.cancel()
            except KillcordError as lost:
                self._lost(lost)

    async def __aenter__(self: R) -> R:
        self._verdict = await self._now().asker.aask(self._body, self._timeout)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._said:
            try:
                # A stop cancels this task: what it holds is given back all the same.
                await asyncio.shield(self.acancel())
            except KillcordError as lost:
                self._lost(lost)

    # What it did cost.

    @property
    def closed(self) -> bool:
        """Whether it was settled or cancelled, or that was tried."""
        return self._said

    @property
    def verdict(self) -> Verdict:
        """The allow. Raises RuntimeError outside of the block."""
        if self._verdict is None:
            raise RuntimeError("killcord: nothing is reserved yet; use it as a block")
        return self._verdict

    @property
    def decision_id(self) -> str:
        """`enf_` and 12 hex digits; "" where fail_open let it pass, and nothing is held."""
        return self.verdict.decision_id

    def settle(self, *, tokens: int | None = None, cost_usd: Usd | None = None) -> Settlement | None:
        """Says what the action did cost, also more than its estimate, also on a stopped run. May be
        repeated. None where nothing is held.

        Raises KillcordError `reservation_closed` when it was settled otherwise, cancelled, or has
        lapsed; `invalid_argument` for what is no amount; ServerUnreachable when there is no answer in
        time: unless it is repeated, the estimate counts.
        """
        settler = self._speak()
        cost = {"tokens": tokens, "cost_usd": cost_usd}
        return settler.settle(self.decision_id, cost) if self.decision_id else None

    def cancel(self) -> Settlement | None:
        """Says that the action was not done, and cost nothing. Raises what settle does."""
        settler = self._speak()
        return settler.cancel(self.decision_id) if self.decision_id else None

    async def asettle(self, *, tokens: int | None = None, cost_usd: Usd | None = None) -> Settlement | None:
        """`settle` for coroutines."""
        settler = self._speak()
        cost = {"tokens": tokens, "cost_usd": cost_usd}
        return await settler.asettle(self.decision_id, cost) if self.decision_id else None

    async def acancel(self) -> Settlement | None:
        """`cancel` for coroutines."""
        settler = self._speak()
        return await settler.acancel(self.decision_id) if self.decision_id else None

    def _speak(self) -> Settler:
        self._said = True
        return self._now().settler

    def _lost(self, error: KillcordError) -> None:
        log.warning(
            "%s counts at its estimate, since it could not be closed: %s", self.decision_id, failure(error)
        )
