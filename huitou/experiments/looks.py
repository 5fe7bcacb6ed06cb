"""Looks before the end that were planned at the opening, and share the five per cent with the end.

A look counts the customers whose window is over by then. How much of the five per cent it may use up follows from its
day alone, which was fixed; how far the intervals must be widened follows from how many customers each look counts. So
nothing that anybody sees decides anything about the next look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from huitou.experiments.judging import FEWER, LEAST_CUSTOMERS, MORE, NONE, Group
from huitou.experiments.models import CONTROL, Experiment
from huitou.stats.balance import check_balance
from huitou.stats.estimate import CONFIDENCE, Difference
from huitou.stats.normal import tail
from huitou.stats.proportions import Successes, compare_proportions
from huitou.stats.sequential import boundaries, spent


@dataclass(frozen=True)
class LookArm:
    """One treatment at one look: its interval holds at all looks together. `verdict` as of a readout; without
    `difference` there were too few customers, and the look used up nothing."""

    arm: str
    verdict: str
    rate: float | None = None
    control_rate: float | None = None
    difference: Difference | None = None


@dataclass(frozen=True)
class Look:
    """One look whose day has passed: when, how many counted by arm, and each treatment against the control."""

    number: int
    at: datetime
    customers: Mapping[str, int]
    arms: Sequence[LookArm]
    is_broken: bool = False


def judge_looks(experiment: Experiment, groups: Sequence[Mapping[str, Group]]) -> list[Look]:
    """The looks so far, of the sums by arm at each of them in their order; the last of all is the end itself."""
    treatments = [arm.code for arm in experiment.shares if arm.code != CONTROL]
    alpha = (1 - CONFIDENCE) / len(treatments)
    found: dict[str, list[LookArm]] = {arm: _judge(arm, experiment, groups, alpha) for arm in treatments}
    looks = []
    for place, (at, by_arm) in enumerate(zip(experiment.look_instants, groups, strict=False)):
        customers = {arm.code: by_arm[arm.code].customers for arm in experiment.shares}
        looks.append(
            Look(
                number=place + 1,
                at=at,
                customers=customers,
                arms=[found[arm][place] for arm in treatments],
                is_broken=check_balance(experiment.shares, customers).is_broken,
            )
        )
    return looks


def first_finding(looks: Sequence[Look], arm: str) -> tuple[Look, LookArm] | None:
    """The first look at which the treatment was told from the control; of what later looks say it owes nothing."""
    for look in looks:
        for told in look.arms:
            if told.arm == arm and told.verdict in (MORE, FEWER) and not look.is_broken:
                return look, told
    return None


def _judge(arm: str, experiment: Experiment, groups: Sequence[Mapping[str, Group]], alpha: float) -> list[LookArm]:
    told: list[LookArm] = []
    information: list[float] = []
    used: list[float] = []
    for share, by_arm in zip(experiment.look_shares, groups, strict=False):
        treated, control = by_arm[arm], by_arm[CONTROL]
        least = min(treated.customers, control.customers)
        weight = 0.0 if not least else 1 / (1 / treated.customers + 1 / control.customers)
        # Who counts at a look is decided by days and draws alone, so leaving one out owes nothing to what it shows.
        if least < LEAST_CUSTOMERS or (information and weight <= information[-1]):
            told.append(LookArm(arm, NONE))
            continue
        information.append(weight)
        used.append(spent(share, alpha))
        z = _boundaries(tuple(information), tuple(used))[-1]
        difference = compare_proportions(
            Successes(treated.buyers, treated.customers),
            Successes(control.buyers, control.customers),
            1 - 2 * tail(z),
        )
        verdict = NONE if not difference.excludes_zero else MORE if difference.low > 0 else FEWER
        told.append(LookArm(arm, verdict, treated.rate, control.rate, difference))
    return told


@lru_cache(maxsize=512)
def _boundaries(information: tuple[float, ...], used: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(boundaries(information, used=used))
