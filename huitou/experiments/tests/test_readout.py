"""The readout against an oracle that counts by hand, and at its borders: time, refunds, joins, late facts."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import numpy as np
import pytest

from huitou.accounts.models import Brand
from huitou.analytics.rules import Exclusions
from huitou.analytics.tests.order_oracle import Answer, answer
from huitou.customers.models import Consent, PersonLink
from huitou.experiments import queries, services
from huitou.experiments.exposures import Reached
from huitou.experiments.judging import Group, cut_cohorts
from huitou.experiments.models import CONTROL, Assignment, Experiment
from huitou.experiments.readout import FINAL, IN_PROGRESS, WAITING, Readout
from huitou.experiments.tests.conftest import DAY, START, Market, line
from huitou.stats.moments import Moments

END = START + 60 * DAY


def customer(person: int, links: dict[int, int]) -> int:
    return links.get(person, person)


def by_hand(lines: list[dict[str, Any]], experiment: Experiment, links: dict[int, int]) -> dict[str, dict[str, float]]:
    """Customers, buyers, purchases and net revenue by arm, one customer after the other."""
    # A refund that names no order is matched among the customer's own, whichever of its persons bought.
    named = [row | {"person_id": row["person_id"] and customer(row["person_id"], links)} for row in lines]
    whole: Answer = answer(
        named, {}, as_of=experiment.ends_at + timedelta(microseconds=1), zone="Asia/Shanghai", exclusions=Exclusions()
    )
    first: dict[int, tuple[datetime, int, str]] = {}
    for row in Assignment.objects.filter(experiment=experiment):
        mine = (row.at, row.person_id, row.arm)
        first[customer(row.person_id, links)] = min(first.get(customer(row.person_id, links), mine), mine)
    found: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for who, (at, _person, arm) in first.items():
        if at > experiment.ends_at - experiment.window_days * DAY:
            continue
        own = [
            o
            for o in whole.orders.values()
            if o["person_id"] is not None
            and customer(o["person_id"], links) == who
            and at < o["paid_at"] <= at + experiment.window_days * DAY
        ]
        bought = [o for o in own if o["is_purchase"]]
        found[arm]["customers"] += 1
        found[arm]["buyers"] += bool(bought)
        found[arm]["purchases"] += len(bought)
        found[arm]["revenue"] += sum(o["amount_minor"] - o["refunded_minor"] for o in own if not o["is_excluded"])
    return found


def told(readout: Readout) -> dict[str, dict[str, float]]:
    return {
        a.arm: {"customers": a.customers, "buyers": a.buyers, "purchases": a.purchases, "revenue": a.revenue_minor}
        for a in readout.arms
    }


def random_orders(random: Random, people: list[int], count: int) -> list[dict[str, Any]]:
    """Sales around the experiment with unpaid, sample and free ones among them, and refunds in part and whole."""
    rows = []
    for number in range(count):
        at = START + timedelta(hours=random.randint(-60 * 24, 65 * 24))
        who = random.choice([None, *people])
        amount = random.choice([0, 1000, 2500, 9900])
        rows.append(
            line(
                f"o{number}",
                at,
                who,
                amount_minor=amount,
                status=random.choice(["completed", "paid", "paid", "unpaid", "cancelled"]),
                order_type=random.choice(["normal", "normal", "normal", "sample"]),
            )
        )
        if amount and random.random() < 0.3:
            part = random.choice([amount, amount // 2])
            later = at + timedelta(hours=random.randint(1, 30 * 24))
            rows.append(
                line(f"r{number}", later, who, kind="refund", amount_minor=part, refund_of=f"o{number}", quantity=2)
                | {"quantity": rows[-1]["quantity"]}
            )
    return rows


@pytest.mark.parametrize("seed", range(3))
def test_the_sums_are_those_of_an_oracle(market: Market, seed: int) -> None:
    random = Random(seed)
    people = market.people(60)
    links = {people[5]: people[0], people[7]: people[0], people[40]: people[30]}
    experiment = market.experiment()
    for day in range(0, 50, 5):
        chosen = random.sample(people, 12)
        services.assign(experiment, chosen, market.at(START + day * DAY))
    for person, whose in links.items():
        PersonLink.objects.create(person_id=person, customer_id=whose)
    lines = random_orders(random, people, 400)
    market.buy(lines)
    market.refresh(START + 70 * DAY)
    found = queries.readout(experiment)
    expected = by_hand([row | {"batch_id": 1} for row in lines], experiment, links)
    assert found.state == FINAL
    assert told(found) == {arm: dict(values) for arm, values in expected.items()}
    for treated in found.comparisons:
        assert treated.rate is not None
        rates = {arm: values["buyers"] / values["customers"] for arm, values in expected.items()}
        assert treated.rate.estimate == pytest.approx(rates["treatment"] - rates[CONTROL])
    assert sum(c.customers[CONTROL] for c in found.cohorts) == expected[CONTROL]["customers"]
    assert found.not_counted > 0


@pytest.fixture
def pair(market: Market) -> tuple[Experiment, list[int], dict[str, list[int]]]:
    """Eighty people assigned at the start, by arm."""
    people = market.people(80)
    experiment = market.experiment()
    arms = services.assign(experiment, people, market.at(START))
    by_arm = {arm: [p for p in people if arms[p] == arm] for arm in (CONTROL, "treatment")}
    return experiment, people, by_arm


Pair = tuple[Experiment, list[int], dict[str, list[int]]]


def buyers(readout: Readout) -> dict[str, int]:
    return {a.arm: a.buyers for a in readout.arms}


def test_a_purchase_counts_strictly_after_the_assignment_and_up_to_the_last_instant(market: Market, pair: Pair) -> None:
    experiment, _, arms = pair
    one, two, three, four = arms["treatment"][:4]
    tick = timedelta(microseconds=1)
    market.buy(
        [
            line("at", START, one),
            line("just-after", START + tick, two),
            line("last", START + 30 * DAY, three),
            line("too-late", START + 30 * DAY + tick, four),
        ]
    )
    market.refresh(START + 61 * DAY)
    assert buyers(queries.readout(experiment)) == {CONTROL: 0, "treatment": 2}


def test_who_is_assigned_at_the_last_moment_counts_with_what_it_buys_at_the_end(market: Market) -> None:
    """A whole window before the end, and a microsecond later; bought at the end itself. Facts reach just so far."""
    experiment, people = market.experiment(), market.people(60)
    inside, late = people[:40], people[40:]
    services.assign(experiment, inside, market.at(END - 30 * DAY))
    services.assign(experiment, late, market.at(END - 30 * DAY + timedelta(microseconds=1)))
    market.buy([line(f"o{person}", END, person) for person in people])
    services.record_exposures(experiment, [Reached(person, END, "sms", n) for n, person in enumerate(people)])
    for person in people:
        Consent.objects.create(
            person_id=person, channel="sms", purpose="marketing", granted=False, at=END, recorded_at=END
        )
    # What was decided at the moment of the assignment itself came before it.
    early = market.people(20)
    services.assign(experiment, early, market.at(START))
    for person in early:
        Consent.objects.create(
            person_id=person, channel="sms", purpose="marketing", granted=False, at=START, recorded_at=START
        )
    market.refresh(END)
    found = queries.readout(experiment)
    assert sum(arm.reached for arm in found.arms) == sum(arm.opted_out for arm in found.arms) == 40
    assert [sum(arm.customers for arm in found.arms), sum(arm.buyers for arm in found.arms)] == [60, 40]
    assert found.not_counted == 20


def test_before_the_end_nothing_is_compared(market: Market, pair: Pair) -> None:
    experiment, people, arms = pair
    market.buy([line("o", START + DAY, person) | {"order_id": f"o{person}"} for person in arms["treatment"]])
    market.refresh(START + 59 * DAY)
    early = queries.readout(experiment)
    assert early.state == IN_PROGRESS
    assert (early.arms, early.comparisons, early.cohorts) == ((), (), ())
    assert sum(early.assigned.values()) == len(people)
    assert not early.balance.is_broken
    Brand.objects.update(clock_now=END)
    waiting = queries.readout(experiment)
    assert (waiting.state, waiting.comparisons) == (WAITING, ())
    market.refresh(END)
    final = queries.readout(experiment)
    assert final.state == FINAL
    assert final.comparisons[0].verdict == "more"
    assert queries.readout(experiment, END - timedelta(seconds=1)).state == IN_PROGRESS


def test_the_verdict_is_that_of_the_end_and_later_refunds_stand_beside_it(market: Market, pair: Pair) -> None:
    experiment, _, arms = pair
    whole, half, early = arms["treatment"][:3]
    rows = [line(f"o{who}", START + DAY, who, amount_minor=2000) for who in (whole, half, early)]
    for who, amount, at in ((early, 2000, END - DAY), (whole, 2000, END + DAY), (half, 500, END + 2 * DAY)):
        rows.append(line(f"r{who}", at, who, kind="refund", amount_minor=amount, refund_of=f"o{who}"))
    market.buy(rows)
    market.refresh(END + 5 * DAY)
    found = {a.arm: a for a in queries.readout(experiment).arms}
    assert (found["treatment"].buyers, found["treatment"].revenue_minor) == (2, 4000)
    assert (found["treatment"].late_refunds_minor, found[CONTROL].late_refunds_minor) == (2500, 0)
    again = queries.readout(experiment, END)
    assert {a.arm: a.late_refunds_minor for a in again.arms} == {CONTROL: 0, "treatment": 0}


def test_a_late_report_of_what_happened_before_the_end_counts(market: Market, pair: Pair) -> None:
    experiment, _, arms = pair
    market.buy([line("old", START - DAY, arms[CONTROL][0])])
    market.refresh(END)
    assert buyers(queries.readout(experiment)) == {CONTROL: 0, "treatment": 0}
    market.buy([line("late", START + DAY, arms[CONTROL][0])])
    market.refresh(END + DAY)
    assert buyers(queries.readout(experiment)) == {CONTROL: 1, "treatment": 0}


def test_joined_customers_count_once_under_their_first_arm(market: Market) -> None:
    people, experiment = market.people(60), market.experiment()
    arms = services.assign(experiment, people[:30], market.at(START))
    arms |= services.assign(experiment, people[30:], market.at(START + DAY))
    early = next(p for p in people[:30] if arms[p] == CONTROL)
    late = next(p for p in people[30:] if arms[p] == "treatment")
    PersonLink.objects.create(person_id=late, customer_id=early)
    market.buy([line("o", START + 2 * DAY, late)])
    market.refresh(END)
    found = queries.readout(experiment)
    assert buyers(found) == {CONTROL: 1, "treatment": 0}
    assert sum(a.customers for a in found.arms) == 59
    assert found.mixed == 1


def test_money_and_margin(market: Market) -> None:
    people, experiment = market.people(400), market.experiment()
    arms = services.assign(experiment, people, market.at(START))
    random = Random(1)
    rows = [line(f"b{p}", START - 30 * DAY, p, amount_minor=random.choice([1000, 9000])) for p in people]
    rows += [
        line(f"o{p}", START + DAY, p, amount_minor=5000)
        for p in people
        if random.random() < (0.3 + 0.3 * (arms[p] != CONTROL))
    ]
    market.buy(rows)
    services.set_margin(margin_bp=4000, clock=market.at(START))
    market.refresh(END)
    found = queries.readout(experiment)
    compared = found.comparisons[0]
    treated = next(a for a in found.arms if a.arm == "treatment")
    control = next(a for a in found.arms if a.arm == CONTROL)
    assert compared.verdict == "more"
    assert compared.money is not None
    plain = (treated.revenue_minor / treated.customers - control.revenue_minor / control.customers) * treated.customers
    # Taking off the noise of earlier purchases moves the estimate a little, inside its interval.
    assert compared.money.revenue.low < plain < compared.money.revenue.high
    assert compared.money.margin is not None
    assert compared.money.margin.estimate == pytest.approx(compared.money.revenue.estimate * 0.4)
    # Nothing was sent, so nothing is known of a cost.
    assert (compared.money.cost_minor, compared.money.net, compared.money.roi) == (None, None, None)
    services.set_margin(margin_bp=None, clock=market.at(START))
    unknown = queries.readout(experiment).comparisons[0].money
    assert unknown is not None
    assert (unknown.margin, unknown.net) == (None, None)


def test_who_took_back_a_consent_is_a_guardrail(market: Market, pair: Pair) -> None:
    experiment, _, arms = pair
    for who, at in ((arms["treatment"][0], START + DAY), (arms["treatment"][1], START - DAY), (arms[CONTROL][0], END)):
        Consent.objects.create(person_id=who, channel="sms", purpose="marketing", granted=False, at=at, recorded_at=at)
    market.buy([line("o", START + DAY, arms[CONTROL][0])])
    market.refresh(END)
    found = queries.readout(experiment)
    assert {a.arm: a.opted_out for a in found.arms} == {CONTROL: 0, "treatment": 1}


def test_who_was_reached_is_told_beside_who_was_meant(market: Market, pair: Pair) -> None:
    experiment, people, arms = pair
    reached = [Reached(who, START + DAY, "sms", 100 + who) for who in arms["treatment"][:7]]
    assert services.record_exposures(experiment, [*reached, *reached]) == 7
    assert services.record_exposures(experiment, reached) == 0
    market.buy([line("o", START + DAY, people[0])])
    market.refresh(END)
    found = queries.readout(experiment)
    assert {a.arm: a.reached for a in found.arms} == {CONTROL: 0, "treatment": 7}
    assert sum(a.customers for a in found.arms) == 80


def test_broken_ratios_and_tiny_arms_get_no_verdict(market: Market) -> None:
    people = market.people(200)
    experiment = market.experiment()
    Assignment.objects.bulk_create(
        Assignment(experiment=experiment, person_id=p, arm=CONTROL if i < 40 else "treatment", draw=0, at=START)
        for i, p in enumerate(people)
    )
    tiny = market.experiment(key="launch:2")
    services.assign(tiny, people[:8], market.at(START))
    market.buy([line("o", START + DAY, people[0])])
    market.refresh(END)
    assert queries.readout(experiment).comparisons[0].verdict == "broken"
    assert queries.readout(tiny).comparisons[0].verdict == "too_few"


def test_nobody_assigned_is_no_trouble(market: Market) -> None:
    experiment = market.experiment()
    market.buy([line("o", START + DAY, market.people(1)[0])])
    market.refresh(END)
    found = queries.readout("launch:1")
    assert found.state == FINAL
    assert [a.customers for a in found.arms] == [0, 0]
    assert found.experiment == experiment
    with pytest.raises(queries.ExperimentUnknownError):
        queries.readout("launch:9")


def test_cohorts_are_days_of_the_brand_or_weeks(market: Market) -> None:
    people, experiment = market.people(160), market.experiment(ends_at=START + 90 * DAY)
    for n in range(40):
        services.assign(experiment, people[4 * n : 4 * n + 4], market.at(START + n * DAY))
    market.buy([line("o", START + DAY, people[0])])
    market.refresh(START + 90 * DAY)
    found = queries.readout(experiment)
    assert found.cohort_grain == "week"
    assert found.cohorts[0].first_day.isoformat() == "2026-03-02"
    assert sum(sum(c.customers.values()) for c in found.cohorts) == 160


@pytest.mark.parametrize(
    ("days", "treated", "controls", "grain"),
    [(20, 90, 10, "day"), (20, 90, 9, "week"), (32, 90, 50, "week"), (4, 9, 1, "month"), (250, 90, 2, "month")],
)
def test_cohorts_are_wide_enough_to_say_something(days: int, treated: int, controls: int, grain: str) -> None:
    """The smallest arm has ten customers a cohort on the average, as long as months are not too short for that."""
    by_day = {
        (date(2026, 3, 2) + n * DAY, arm): Group(customers=size, bought=Moments(size, size // 2, size // 2))
        for n in range(days)
        for arm, size in (("control", controls), ("treatment", treated))
    }
    found, cohorts = cut_cohorts(by_day, ["control", "treatment"])
    assert found == grain
    assert sum(cohort.customers["control"] for cohort in cohorts) == days * controls
    assert sum(cohort.customers["treatment"] for cohort in cohorts) == days * treated
    assert [cohort.first_day for cohort in cohorts] == sorted({cohort.first_day for cohort in cohorts})


def test_the_adjusted_difference_is_sharper_where_the_past_tells(market: Market) -> None:
    """Half of the customers buy every week and half almost never: their past takes most of the noise off."""
    people, experiment = market.people(400), market.experiment()
    arms = services.assign(experiment, people, market.at(START))
    random, rows = Random(4), []
    for place, person in enumerate(people):
        loyal = place % 2 == 0
        rows += [line(f"b{person}-{n}", START - (5 + 7 * n) * DAY, person) for n in range(8 if loyal else 1)]
        if random.random() < (0.9 if loyal else 0.05) + 0.05 * (arms[person] != CONTROL):
            rows.append(line(f"o{person}", START + DAY, person))
    market.buy(rows)
    market.refresh(END)
    compared = queries.readout(experiment).comparisons[0]
    assert compared.adjusted is not None
    assert compared.rate is not None
    assert compared.adjusted.variance_kept < 0.5
    width = compared.rate.high - compared.rate.low
    assert compared.adjusted.difference.high - compared.adjusted.difference.low < 0.75 * width
    assert np.isfinite(compared.adjusted.theta)
