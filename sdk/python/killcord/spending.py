"""What a run spends: held before an action, said after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._asking import action
from ._life import Life
from ._money import Cost, Usd
from ._state import Settlement
from .reservation import Reservation


class Spending:
    """The part of RuntimeSession that closes what its actions hold."""

    _life: Life

    def reserve(
        self,
        action_type: str,
        action_content: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        *,
        estimate: Cost,
        escalation_id: str | None = None,
        idempotency_key: str | None = None,
        timeout_seconds: float | None = None,
    ) -> Reservation:
        """A block that asks for an action and holds what it may cost, so that no limit is passed while
        several are under way: `with` or `async with`, see Reservation."""
        body = action(
            action_type,
            action_content,
            metadata,
            estimate=estimate,
            escalation_id=escalation_id,
            idempotency_key=idempotency_key,
        )
        return Reservation(self._life.now, body, timeout_seconds)

    def settle(
        self, decision_id: str, *, tokens: int | None = None, cost_usd: Usd | None = None
    ) -> Settlement:
        """Says what an action with an estimate did cost. Raises what Reservation.settle does."""
        return self._life.now().settler.settle(decision_id, {"tokens": tokens, "cost_usd": cost_usd})

    async def asettle(
        self, decision_id: str, *, tokens: int | None = None, cost_usd: Usd | None = None
    ) -> Settlement:
        """`settle` for coroutines."""
        cost = {"tokens": tokens, "cost_usd": cost_usd}
        return await self._life.now().settler.asettle(decision_id, cost)

    def cancel(self, decision_id: str) -> Settlement:
        """Says that an action with an estimate was not done. Raises what Reservation.cancel does."""
        return self._life.now().settler.cancel(decision_id)

    async def acancel(self, decision_id: str) -> Settlement:
        """`cancel` for coroutines."""
        return await self._life.now().settler.acancel(decision_id)
