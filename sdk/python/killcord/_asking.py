"""Asking for an action, and what its verdict means."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable

from . import _aio, _wire
from ._approval import Approval
from ._money import Cost, cost_body
from ._retry import Attempts
from ._run import Run, failure
from ._state import ACTIVE, PAUSED, Verdict, session_of_verdict, verdict_of
from ._wire import Call, Reply, Transport
from .errors import (
    AccessDenied,
    ActionBlocked,
    ActionEscalated,
    KillcordError,
    ServerUnreachable,
    SessionPaused,
)

log = logging.getLogger("killcord")


@dataclass(frozen=True)
class Asker:
    """Asks for the actions of one run."""

    run: Run
    transport: Callable[[], Transport]
    timeout_seconds: float
    when_paused: str
    on_escalate: str
    fail_open: bool
    #: Finds out whether a stop could still reach the run.
    ask_now: Callable[[], None]

    def ask(self, body: dict[str, Any], timeout_seconds: float | None) -> Verdict:
        """Asks and waits. Raises what RuntimeSession.intercept says."""
        while True:
            self.run.check_stopped()
            if self.waits():
                self.run.wait_resumed()
            try:
                return self._try(_call(self.run.session_id, body), timeout_seconds)
            except SessionPaused:
                if not self.waits():
                    raise
            except ActionEscalated as escalated:
                if not self._waits_for(escalated) or _on_loop():
                    raise
                Approval(self.run, self.transport, escalated).wait()
                body = _approved(body, escalated)

    async def aask(self, body: dict[str, Any], timeout_seconds: float | None) -> Verdict:
        """The same, without holding up the event loop."""
        waits = self.when_paused == "wait"
        while True:
            self.run.check_stopped()
            if waits and self.run.status == PAUSED:
                await _aio.in_thread("paused", self.run.wait_resumed)
            try:
                return await self._atry(_call(self.run.session_id, body), timeout_seconds)
            except SessionPaused:
                if not waits:
                    raise
            except ActionEscalated as escalated:
                if not self._waits_for(escalated):
                    raise
                await Approval(self.run, self.transport, escalated).await_it()
                body = _approved(body, escalated)

    def waits(self) -> bool:
        """Whether this thread may wait for a pause to end: one that runs an event loop may not."""
        return self.when_paused == "wait" and not _on_loop()

    def _waits_for(self, escalated: ActionEscalated) -> bool:
        # An older server names no escalation: there is nothing to wait for.
        return self.on_escalate == "wait" and escalated.escalation_id != ""

    def _try(self, call: Call, timeout_seconds: float | None) -> Verdict:
        attempts = Attempts(self.timeout_seconds if timeout_seconds is None else timeout_seconds)
        while True:
            sent_at = self.run.sent()
            try:
                return self._judge(self.transport().call(call, attempts.seconds()), sent_at)
            except ServerUnreachable as error:
                try:
                    pause = attempts.pause_after(error)
                except ServerUnreachable as last:
                    return self._unreachable(call, last)
            except KillcordError as error:
                self._refused(error)
                raise
            # A stop ends the wait: it must not be slept through.
            with self.run.changed:
                self.run.changed.wait_for(lambda: self.run.stop is not None, pause)
            self.run.check_stopped()

    async def _atry(self, call: Call, timeout_seconds: float | None) -> Verdict:
        attempts = Attempts(self.timeout_seconds if timeout_seconds is None else timeout_seconds)
        while True:
            sent_at = self.run.sent()
            try:
                return self._judge(await _aio.answer(self.transport(), call, attempts.seconds()), sent_at)
            except ServerUnreachable as error:
                try:
                    pause = attempts.pause_after(error)
                except ServerUnreachable as last:
                    return self._unreachable(call, last)
            except KillcordError as error:
                self._refused(error)
                raise
            await asyncio.sleep(pause)
            self.run.check_stopped()

    def _unreachable(self, call: Call, error: ServerUnreachable) -> Verdict:
        self.run.check()
        if not self.fail_open:
            raise error
        action = call.body["action_type"]
        log.warning("fail_open: %s is let pass, unasked: %s", action, failure(error))
        return Verdict("allow", reasoning="the server could not be reached", offline=True)

    def _refused(self, error: KillcordError) -> None:
        # If it is the key or the session and not this one action, no stop can arrive any more.
        if isinstance(error, AccessDenied) or error.code == "session_not_found":
            self.ask_now()

    def _judge(self, reply: Reply, sent_at: float) -> Verdict:
        verdict = verdict_of(reply)
        state = session_of_verdict(reply)
        self.run.answered(sent_at)
        for warning in verdict.warnings:
            self.run.warned(warning)
        if state is not None:
            self.run.heard(state, sent_at=sent_at)
        if verdict.decision == "terminate":
            self.run.force_stop(verdict.reasoning)
        # Also where it is allowed: a stop that was heard meanwhile goes before an older verdict.
        self.run.check_stopped()
        status = state.status if state is not None else ""
        if verdict.decision == "allow" and status == ACTIVE:
            return verdict
        raise _refused(verdict, status)


def action(
    action_type: str,
    action_content: str | None,
    metadata: Mapping[str, Any] | None = None,
    chain_id: str | None = None,
    chain_step: int | None = None,
    parent_decision_id: str | None = None,
    cost: Cost | None = None,
    estimate: Cost | None = None,
    escalation_id: str | None = None,
    idempotency_key: str | None = None,
) -> dict[str, Any]:
    """The question, but for its session. Raises KillcordError (`invalid_argument`) for a bad amount."""
    given = {
        "action_type": action_type,
        "action_content": action_content,
        "metadata": dict(metadata) if metadata is not None else None,
        "chain_id": chain_id,
        "chain_step": chain_step,
        "parent_decision_id": parent_decision_id,
        "cost": cost_body("cost", cost) if cost is not None else None,
        "estimate": cost_body("estimate", estimate) if estimate is not None else None,
        "escalation_id": escalation_id,
        "idempotency_key": idempotency_key,
    }
    return {name: value for name, value in given.items() if value is not None}


def _call(session_id: str, body: dict[str, Any]) -> Call:
    """Each question has a key of its own, which its repeats share: it is counted once."""
    return _wire.intercept({"idempotency_key": uuid.uuid4().hex, **body, "session_id": session_id})


def _approved(body: dict[str, Any], escalated: ActionEscalated) -> dict[str, Any]:
    """The same action with its approval. Its key, where the caller gave one, has the escalation's verdict:
    it gets another, to which a repeat of the whole leads as well, so that it is still counted once."""
    escalation_id = escalated.escalation_id
    key = body.get("idempotency_key")
    if key is None:
        return {**body, "escalation_id": escalation_id}
    kept = key[: _KEY_LENGTH_MAX - len(escalation_id) - 1]
    return {**body, "escalation_id": escalation_id, "idempotency_key": f"{kept}.{escalation_id}"}


#: What the server takes.
_KEY_LENGTH_MAX = 255


def _on_loop() -> bool:
    """Whether an event loop runs in this thread, which must not be held up."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _refused(verdict: Verdict, status: str) -> KillcordError:
    told: dict[str, Any] = {
        "reasoning": verdict.reasoning,
        "decision_id": verdict.decision_id,
        "policies": verdict.policies,
        "policies_triggered": verdict.policies_triggered,
        "next_step": verdict.next_step,
    }
    if verdict.decision in ("allow", "block") and status == PAUSED:
        return SessionPaused(f"the session is paused: {verdict.reasoning}", **told)
    if verdict.decision == "block":
        return ActionBlocked(f"blocked: {verdict.reasoning}", **told)
    if verdict.decision == "escalate":
        escalated = ActionEscalated(f"needs a person's approval: {verdict.reasoning}", **told)
        escalated.escalation_id = verdict.escalation_id
        return escalated
    unknown = status if verdict.decision == "allow" else verdict.decision
    return ActionBlocked(
        f"the server answered {unknown or 'nothing'}, which this version of killcord does not know: "
        "it is taken for a refusal. Upgrade the package",
        **told,
    )
