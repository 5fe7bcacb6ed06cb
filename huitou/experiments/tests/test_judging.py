"""What is said of sums: borders of sizes, several treatments that share the five per cent, money and its cost."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import pytest

from huitou.experiments.judging import (
    BROKEN,
    FEWER,
    LEAST_CUSTOMERS,
    MORE,
    NONE,
    TOO_FEW,
    Comparison,
    Group,
    Terms,
    compare_arms,
    cut_cohorts,
)
from huitou.experiments.looks import first_finding, judge_looks
from huitou.experiments.models import CONTROL, Experiment
from huitou.experiments.tests.conftest import DAY, START
from huitou.experiments.tests.test_looks import group, planned
from huitou.stats.allocation import Arm
from huitou.stats.balance import check_balance
from huitou.stats.moments import Moments, moments_of
from huitou.stats.power import smallest_detectable
from huitou.stats.proportions import Successes, compare_proportions

NOTHING_KNOWN = Terms(None, None)


def compared(groups: Mapping[str, Group], terms: Terms = NOTHING_KNOWN) -> dict[str, Comparison]:
    """Every treatment of arms that are as large as they were drawn."""
    whole = sum(each.customers for each in groups.values())
    shares = [Arm(code, round(each.customers * 10_000 / whole)) for code, each in groups.items()]
    balance = check_balance(shares, {code: each.customers for code, each in groups.items()})
    return {each.arm: each for each in compare_arms(groups, {}, balance, terms)}


def test_ten_customers_an_arm_are_compared_and_nine_are_not() -> None:
    for control, treated in ((LEAST_CUSTOMERS, LEAST_CUSTOMERS), (9, LEAST_CUSTOMERS), (LEAST_CUSTOMERS, 9)):
        found = compared({CONTROL: group(control, 3), "treatment": group(treated, 4)})["treatment"]
        assert found.verdict == (NONE if min(control, treated) == LEAST_CUSTOMERS else TOO_FEW)
        [look] = judge_looks(planned(0), [{CONTROL: group(control, 3), "treatment": group(treated, 4)}])
        assert (look.arms[0].difference is not None) is (min(control, treated) == LEAST_CUSTOMERS)


def test_two_treatments_share_the_five_per_cent() -> None:
    groups = {CONTROL: group(1000, 200), "a": group(1000, 237), "b": group(1000, 150)}
    found = compared(groups)
    alone = compare_proportions(Successes(237, 1000), Successes(200, 1000))
    shared = compare_proportions(Successes(237, 1000), Successes(200, 1000), 0.975)
    assert alone.low > 0 > shared.low, "told from nothing by itself, and not as one of two"
    assert found["a"].rate == shared
    assert (found["a"].verdict, found["b"].verdict) == (NONE, FEWER)
    assert found["a"].detectable == smallest_detectable(0.2, 1000, 1000, alpha=0.025)
    experiment = Experiment(
        key="launch:1",
        arms=[[CONTROL, 3334], ["a", 3333], ["b", 3333]],
        window_days=30,
        starts_at=START,
        ends_at=START + 60 * DAY,
        looks=0,
    )
    [look] = judge_looks(experiment, [groups])
    told = look.arms[0].difference
    assert told is not None
    assert (told.low, told.high) == pytest.approx((shared.low, shared.high), abs=1e-6)


def test_a_small_rise_that_is_told_from_nothing_is_a_rise() -> None:
    found = compared({CONTROL: group(5000, 1000), "treatment": group(5000, 1100)})["treatment"]
    assert found.rate is not None
    assert 0 < found.rate.low < 0.01
    assert found.verdict == MORE


def test_how_many_came_back_beyond_is_said_of_the_treated() -> None:
    found = compared({CONTROL: group(200, 20), "treatment": group(1800, 360)})["treatment"]
    assert found.buyers is not None
    assert found.buyers.estimate == pytest.approx(180), "a tenth of 1,800 more than the control's tenth"


def test_arms_of_other_sizes_than_they_were_drawn_with_get_no_verdict() -> None:
    groups = {CONTROL: group(500, 50), "treatment": group(900, 300)}
    halves = [Arm(CONTROL, 5000), Arm("treatment", 5000)]
    balance = check_balance(halves, {code: each.customers for code, each in groups.items()})
    assert [each.verdict for each in compare_arms(groups, {}, balance, NOTHING_KNOWN)] == [BROKEN]
    looks = judge_looks(planned(0), [groups])
    assert (looks[0].is_broken, looks[0].arms[0].verdict) == (True, MORE)
    assert first_finding(looks, "treatment") is None


def test_a_look_at_nobody_new_is_left_out() -> None:
    same = {CONTROL: group(500, 100), "treatment": group(500, 110)}
    more = {CONTROL: group(900, 180), "treatment": group(900, 200)}
    looks = judge_looks(planned(2), [same, same, more])
    assert [look.arms[0].difference is None for look in looks] == [False, True, False]


def spending(customers: int, each: list[float]) -> Group:
    """Customers of whom these spent something within the window, nothing known of before."""
    values = [*each, *[0.0] * (customers - len(each))]
    return Group(customers, bought=Moments(customers, len(each), len(each)), money=moments_of(values))


@pytest.mark.parametrize(
    ("costs", "cost", "net", "roi"),
    [
        # 300 treated brought 10 each more than the control: 3,000 of revenue, 40 % of it margin.
        ({"treatment": 600, CONTROL: 0}, 600, 600, 1.0),
        # 100 of the control cost 1 each: so would 300 have.
        ({"treatment": 900, CONTROL: 100}, 600, 600, 1.0),
        ({"treatment": 0, CONTROL: 0}, 0, 1200, None),
        ({"treatment": 0, CONTROL: 100}, -300, 1500, None),
    ],
)
def test_the_cost_is_that_beyond_the_control(costs: dict[str, int], cost: int, net: float, roi: float | None) -> None:
    groups = {CONTROL: spending(100, [50.0] * 20), "treatment": spending(300, [50.0] * 120)}
    money = compared(groups, Terms(4_000, costs))["treatment"].money
    assert money is not None
    assert money.margin is not None
    assert money.net is not None
    assert [money.revenue.estimate, money.margin.estimate] == pytest.approx([3_000, 1_200])
    assert money.cost_minor == cost
    assert money.net.estimate == pytest.approx(net)
    assert (money.roi and money.roi.estimate) == (roi and pytest.approx(roi))


@pytest.mark.parametrize(
    ("days", "each", "grain"), [(31, 10, "day"), (32, 10, "week"), (5, 9, "week"), (5, 10, "day"), (1, 9, "month")]
)
def test_cohorts_are_as_wide_as_the_smallest_arm_needs(days: int, each: int, grain: str) -> None:
    """From a Monday on; at most 31 of them, with ten customers an arm on the average."""
    first = date(2026, 3, 2)
    by_day = {(first + timedelta(days=n), arm): group(each, 1) for n in range(days) for arm in (CONTROL, "treatment")}
    found, cohorts = cut_cohorts(by_day, [CONTROL, "treatment"])
    assert found == grain
    assert sum(cohort.customers["treatment"] for cohort in cohorts) == each * days
