"""Says what an action did cost, or that it was not done: also of a run that is stopped."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable

from . import _aio, _wire
from ._money import cost_body
from ._retry import Attempts
from ._state import PolicyWarning, Settlement, settlement_of
from ._wire import Call, Reply, Transport
from .errors import ServerUnreachable


@dataclass(frozen=True)
class Settler:
    """Closes the reservations of one run."""

    transport: Callable[[], Transport]
    timeout_seconds: float
    #: Told of each warning that comes with a settlement.
    warned: Callable[[PolicyWarning], None]

    def settle(self, decision_id: str, cost: Mapping[str, Any]) -> Settlement:
        return self._read(self._call(_wire.settle(decision_id, cost_body("cost", cost))))

    def cancel(self, decision_id: str) -> Settlement:
        return self._read(self._call(_wire.cancel(decision_id)))

    async def asettle(self, decision_id: str, cost: Mapping[str, Any]) -> Settlement:
        return self._read(await self._acall(_wire.settle(decision_id, cost_body("cost", cost))))

    async def acancel(self, decision_id: str) -> Settlement:
        return self._read(await self._acall(_wire.cancel(decision_id)))

    def _read(self, reply: Reply) -> Settlement:
        settlement = settlement_of(reply)
        for warning in settlement.warnings:
            self.warned(warning)
        return settlement

    def _call(self, call: Call) -> Reply:
        """A repeat says the same, and is taken once."""
        attempts = Attempts(self.timeout_seconds)
        while True:
            try:
                return self.transport().call(call, attempts.seconds())
            except ServerUnreachable as error:
                pause = attempts.pause_after(error)
            time.sleep(pause)

    async def _acall(self, call: Call) -> Reply:
        attempts = Attempts(self.timeout_seconds)
        while True:
            try:
                return await _aio.answer(self.transport(), call, attempts.seconds())
            except ServerUnreachable as error:
                pause = attempts.pause_after(error)
            await asyncio.sleep(pause)
