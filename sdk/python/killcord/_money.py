"""What actions cost: tokens, and money in USD, exact to a millionth.

On the wire money is a decimal text; a float never is, and nothing is rounded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypedDict, Union

from .errors import KillcordError

#: An amount of USD, 0 to 9007199254.740991: an int, a Decimal, or a plain decimal as text. Of a float the
#: shortest decimal counts that stands for it.
Usd = Union[str, int, Decimal, float]

#: The largest number of tokens, and of millionths of a USD.
AMOUNT_MAX = 2**53 - 1
_PLAIN = re.compile(r"(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
#: A float holds this many digits whatever they are; a longer one has been rounded already.
_FLOAT_DIGITS = 15


class Cost(TypedDict, total=False):
    """What an action costs, or may cost. What is left out is none."""

    #: Whole, 0 and up.
    tokens: int
    #: Exact to a millionth: a finer amount is refused, not rounded.
    cost_usd: Usd


def cost_body(name: str, cost: Mapping[str, Any]) -> dict[str, Any]:
    """A cost as the server takes it. Raises KillcordError (`invalid_argument`) for what is none."""
    unknown = [each for each in cost if each not in ("tokens", "cost_usd")]
    if unknown:
        raise invalid(f"{name} has no {unknown[0]}: there are tokens and cost_usd")
    body: dict[str, Any] = {}
    tokens = cost.get("tokens")
    if tokens is not None:
        body["tokens"] = whole(f"{name}['tokens']", tokens)
    if cost.get("cost_usd") is not None:
        body["cost_usd"] = usd_text(f"{name}['cost_usd']", cost["cost_usd"])
    return body


def whole(name: str, value: Any) -> int:
    """A whole number from 0 to 2^53-1. Raises KillcordError (`invalid_argument`)."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= AMOUNT_MAX:
        raise invalid(f"{name} is {value!r}: it must be a whole number, 0 to {AMOUNT_MAX}")
    return value


def usd_text(name: str, value: Any) -> str:
    """An amount as the server takes it. Raises KillcordError (`invalid_argument`)."""
    micros = _micros(value)
    if micros is not None:
        dollars, rest = divmod(micros, 10**6)
        return f"{dollars}.{rest:06d}".rstrip("0") if rest else str(dollars)
    raise invalid(
        f"{name} is {value!r}: it must be USD from 0 to 9007199254.740991, no finer than a millionth"
    )


def _micros(value: Any) -> int | None:
    """Millionths of a USD; None where it is no such amount."""
    amount = _decimal(value)
    if amount is None or not amount.is_finite() or amount.is_signed() and amount:
        return None
    # Digit by digit: arithmetic of Decimal rounds to what its context says.
    _, digits, exponent = amount.as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    significant = text.rstrip("0")
    if not significant:
        return 0
    zeros = int(exponent) + len(text) - len(significant) + 6
    # The bounds come first: a short text can stand for a number with a billion digits.
    if zeros < 0 or len(significant) + zeros > len(str(AMOUNT_MAX)):
        return None
    if isinstance(value, float) and len(significant) > _FLOAT_DIGITS:
        return None
    micros = int(significant) * 10**zeros
    return micros if micros <= AMOUNT_MAX else None


def _decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, Decimal)):
        return Decimal(value)
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, str) and len(value) <= 64 and _PLAIN.fullmatch(value):
        return Decimal(value)
    return None


def invalid(message: str) -> KillcordError:
    return KillcordError(message, code="invalid_argument")
