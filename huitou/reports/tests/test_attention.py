"""What needs attention follows from a few numbers: warnings come when they should and stay away when they should."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.utils import translation

from huitou.reports.attention import Signals, find_attention

CALM = Signals(
    rates=[0.30, 0.30, 0.30, 0.30],
    buyers=[2000, 2000, 2000, 2000],
    revenue=[100_000.0, 100_000.0, 100_000.0, 101_000.0],
    refunds=[0.03, 0.03, 0.03, 0.03],
    target=None,
    customers=1000,
    dormant=100,
    long_dormant=100,
    declining=50,
    overdue=0,
    silent_days=0,
)


def _titles(signals: Signals) -> list[str]:
    with translation.override("en"):
        return [finding.title for finding in find_attention(signals)]


def test_calm_numbers_raise_no_warning() -> None:
    assert _titles(CALM) == ["Nothing stands out"]


@pytest.mark.parametrize(
    ("signals", "title"),
    [
        (replace(CALM, rates=[0.30, 0.30, 0.30, 0.25]), "The repurchase rate is falling"),
        (replace(CALM, target=0.35), "The repurchase rate is below its target"),
        (replace(CALM, revenue=[100.0, 100.0, 100.0, 80.0]), "Revenue is falling"),
        (replace(CALM, refunds=[0.03, 0.03, 0.03, 0.05]), "More money goes back"),
        (replace(CALM, long_dormant=300), "Many customers are asleep"),
        (replace(CALM, declining=200), "Customers are drifting away"),
        (replace(CALM, silent_days=40), "The data end 40 days ago"),
    ],
)
def test_each_sign_has_its_warning(signals: Signals, title: str) -> None:
    assert _titles(signals) == [title]


def test_a_small_fall_and_a_fall_among_few_people_are_no_news() -> None:
    assert _titles(replace(CALM, rates=[0.30, 0.30, 0.30, 0.28])) == ["Nothing stands out"]
    # The same fall that warns above is within chance for 50 buyers.
    assert _titles(replace(CALM, rates=[0.30, 0.30, 0.30, 0.25], buyers=[50] * 4)) == ["Nothing stands out"]


def test_few_refunds_that_double_are_still_few() -> None:
    assert _titles(replace(CALM, refunds=[0.005, 0.005, 0.005, 0.01])) == ["Nothing stands out"]


def test_an_empty_history_is_not_a_warning() -> None:
    nobody = replace(
        CALM, rates=[], buyers=[], revenue=[], refunds=[], customers=0, dormant=0, long_dormant=0, declining=0
    )
    assert _titles(nobody) == ["Nothing stands out"]
