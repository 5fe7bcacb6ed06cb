"""Planned looks: what they may say early, that the five per cent hold for all of them together, and their borders."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from django.db import IntegrityError, transaction

from huitou.experiments import queries, services
from huitou.experiments.judging import FEWER, MORE, NONE, Group
from huitou.experiments.looks import first_finding, judge_looks
from huitou.experiments.models import CONTROL, Experiment
from huitou.experiments.readout import FINAL, IN_PROGRESS
from huitou.experiments.services import ExperimentTermsError
from huitou.experiments.tests.conftest import DAY, START, Market, line
from huitou.stats.moments import Moments
from huitou.stats.proportions import Successes, compare_proportions


def group(customers: int, buyers: int) -> Group:
    return Group(customers=customers, bought=Moments(customers, buyers, buyers))


def planned(looks: int) -> Experiment:
    return Experiment(
        key="launch:1",
        arms=[[CONTROL, 5000], ["treatment", 5000]],
        window_days=30,
        starts_at=START,
        ends_at=START + 60 * DAY,
        looks=looks,
    )


def test_looks_lie_evenly_between_the_first_whole_window_and_the_end() -> None:
    assert planned(2).look_instants == (START + 40 * DAY, START + 50 * DAY, START + 60 * DAY)
    assert planned(0).look_instants == (START + 60 * DAY,)


def test_without_any_effect_all_looks_together_find_one_in_twenty() -> None:
    """Customers come in steadily; looking three times at plain intervals would find twice as many."""
    random, experiment, found, plain, launches = np.random.default_rng(5), planned(2), 0, 0, 2500
    sizes = (300, 700, 1000)
    for _ in range(launches):
        arms = {arm: np.cumsum(random.random(sizes[-1]) < 0.2) for arm in (CONTROL, "treatment")}
        groups = [{arm: group(n, int(bought[n - 1])) for arm, bought in arms.items()} for n in sizes]
        found += first_finding(judge_looks(experiment, groups), "treatment") is not None
        plain += any(
            compare_proportions(
                Successes(g["treatment"].buyers, g["treatment"].customers),
                Successes(g[CONTROL].buyers, g[CONTROL].customers),
            ).excludes_zero
            for g in groups
        )
    assert 0.035 <= found / launches <= 0.063
    assert plain / launches > 0.08


def test_a_clear_effect_is_found_early_and_stands() -> None:
    early = {CONTROL: group(500, 50), "treatment": group(500, 150)}
    nothing = {CONTROL: group(1000, 200), "treatment": group(1000, 210)}
    looks = judge_looks(planned(2), [early, nothing])
    assert [look.arms[0].verdict for look in looks] == [MORE, NONE]
    first = first_finding(looks, "treatment")
    assert first is not None
    assert first[0].number == 1
    harm = judge_looks(planned(2), [{CONTROL: early["treatment"], "treatment": early[CONTROL]}])
    assert harm[0].arms[0].verdict == FEWER


def test_early_intervals_are_wider_than_later_ones_and_than_plain_ones() -> None:
    same = {CONTROL: group(500, 100), "treatment": group(500, 110)}
    twice = {CONTROL: group(1000, 200), "treatment": group(1000, 220)}
    first, second = (look.arms[0].difference for look in judge_looks(planned(1), [same, twice]))
    plain = compare_proportions(Successes(220, 1000), Successes(200, 1000))
    assert first is not None
    assert second is not None
    assert first.high - first.low > 1.4 * (second.high - second.low)
    assert plain.high - plain.low < second.high - second.low < 1.02 * (plain.high - plain.low)


def test_a_look_at_too_few_says_nothing_and_uses_nothing_up() -> None:
    few = {CONTROL: group(4, 0), "treatment": group(4, 4)}
    whole = {CONTROL: group(1000, 200), "treatment": group(1000, 220)}
    looks = judge_looks(planned(1), [few, whole])
    assert looks[0].arms[0].difference is None
    found, plain = looks[1].arms[0].difference, compare_proportions(Successes(220, 1000), Successes(200, 1000))
    assert found is not None
    assert (found.low, found.high) == pytest.approx((plain.low, plain.high), abs=1e-4)


def test_a_readout_shows_looks_whose_day_has_passed_and_nothing_else(market: Market) -> None:
    people = market.people(400)
    experiment = market.experiment(looks=1)
    arms = services.assign(experiment, people, market.at(START))
    late = services.assign(experiment, market.people(100), market.at(START + 20 * DAY))
    treated = [person for person in people if arms[person] != CONTROL]
    market.buy([line(f"o{p}", START + DAY, p) for p in treated[: len(treated) * 2 // 3]])
    market.refresh(START + 44 * DAY)
    early = queries.readout(experiment)
    assert (early.state, early.looks, early.comparisons) == (IN_PROGRESS, [], ())
    # The very instant of the look.
    market.refresh(START + 45 * DAY)
    looked = queries.readout(experiment)
    assert (looked.state, looked.comparisons) == (IN_PROGRESS, ())
    [look] = looked.looks
    # Of the late ones nobody was watched for a whole window by then.
    assert (look.at, sum(look.customers.values())) == (START + 45 * DAY, 400)
    assert look.arms[0].verdict == MORE
    market.refresh(START + 61 * DAY)
    final = queries.readout(experiment)
    assert final.state == FINAL
    assert final.looks[0] == look
    assert sum(final.looks[1].customers.values()) == 400 + len(late)
    assert final.comparisons[0].verdict == MORE
    assert final.comparisons[0].rate == final.looks[1].arms[0].difference


def test_looks_are_fixed_and_have_room(market: Market) -> None:
    experiment = market.experiment(looks=2)
    with pytest.raises(IntegrityError, match="never change"), transaction.atomic():
        Experiment.objects.filter(pk=experiment.pk).update(looks=3)
    for looks in (-1, 11):
        with pytest.raises(ExperimentTermsError):
            market.experiment(key="launch:2", looks=looks)
    with pytest.raises(ExperimentTermsError):
        market.experiment(key="launch:2", looks=3, ends_at=START + timedelta(days=33))
