"""Money: what is sent is what was written, or nothing."""

import json
from decimal import Decimal

import pytest
from served import ROOT

from killcord import KillcordError
from killcord._money import cost_body, usd_text

CASES = json.loads((ROOT / "test/vectors/rest/params.json").read_text())["money"]


@pytest.mark.parametrize(
    "case", [each for each in CASES if each["input"] != "null"], ids=lambda each: each["input"]
)
def test_an_amount_is_what_the_server_reads(case):
    value = json.loads(case["input"])
    if "error" not in case:
        assert usd_text("cost_usd", value) == case["text"]
        return
    with pytest.raises(KillcordError, match="no finer than a millionth") as refusal:
        usd_text("cost_usd", value)
    assert refusal.value.code == "invalid_argument"


@pytest.mark.parametrize(
    "value",
    [
        0.1 + 0.2,
        1e22,
        float("nan"),
        float("inf"),
        10**30,
        "9" * 400,
        Decimal("1E+999999999"),
        Decimal("1E-999999999"),
        # Arithmetic of Decimal would round this to 28 digits.
        Decimal("1.0000000000000000000000000000001"),
        Decimal("-0.000001"),
    ],
    ids=str,
)
def test_what_cannot_be_kept_is_refused(value):
    with pytest.raises(KillcordError):
        usd_text("cost_usd", value)


def test_decimals_and_whole_numbers_are_exact():
    assert usd_text("cost_usd", Decimal("9007199254.740991")) == "9007199254.740991"
    assert usd_text("cost_usd", Decimal("1E+3")) == "1000"
    assert usd_text("cost_usd", 7) == "7"
    assert usd_text("cost_usd", f"{1234 * 3e-8:.6f}") == "0.000037"


def test_a_cost_has_tokens_and_money_and_nothing_else():
    assert cost_body("cost", {"tokens": 5, "cost_usd": 0.5}) == {"tokens": 5, "cost_usd": "0.5"}
    for cost in ({"tokens": 1.5}, {"tokens": -1}, {"tokens": 2**53}, {"tokens": True}, {"usd": 1}):
        with pytest.raises(KillcordError, match="cost"):
            cost_body("cost", cost)
