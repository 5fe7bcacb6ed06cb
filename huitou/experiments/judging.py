"""What follows from an experiment's sums: each treatment against the control, in all and by cohort."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from huitou.analytics.periods import name_of, start_of
from huitou.experiments.models import CONTROL
from huitou.stats.allocation import WHOLE_BP
from huitou.stats.balance import Balance
from huitou.stats.estimate import CONFIDENCE, Difference
from huitou.stats.moments import Adjusted, Moments, compare_adjusted, compare_means
from huitou.stats.power import smallest_detectable
from huitou.stats.proportions import Successes, compare_proportions

# What can be said of a treatment: more or fewer came back, no effect was found, an arm is too small to say anything,
# or the arms have not the sizes that they were drawn with.
MORE, FEWER, NONE, TOO_FEW, BROKEN = "more", "fewer", "none", "too_few", "broken"
# Below this an interval says next to nothing, and less than it claims.
LEAST_CUSTOMERS = 10
# More cohorts than this nobody looks through.
_MOST_COHORTS = 31
_NOBODY = Moments(0, 0, 0)
Sums = Mapping[tuple[date, str], "Group"]


@dataclass(frozen=True)
class Group:
    """Sums over the customers of one arm, of one day of assignment or of all.

    `bought` has the purchase (0 or 1) as y and the purchases of the year before as x; `money` the revenue of the window
    net of refunds and that of the year before, in minor units.
    """

    customers: int = 0
    mixed: int = 0
    purchases: int = 0
    bought: Moments = _NOBODY
    money: Moments = _NOBODY

    def __add__(self, other: Group) -> Group:
        return Group(
            self.customers + other.customers,
            self.mixed + other.mixed,
            self.purchases + other.purchases,
            self.bought + other.bought,
            self.money + other.money,
        )

    @property
    def buyers(self) -> int:
        return round(self.bought.y)

    @property
    def rate(self) -> float | None:
        """Repurchase rate, 0 to 1; None without customers."""
        return self.buyers / self.customers if self.customers else None


@dataclass(frozen=True)
class ArmFigures:
    """One arm in numbers; money in minor units, net of refunds up to the end."""

    arm: str
    share_bp: int
    customers: int
    buyers: int
    rate: float | None
    purchases: int
    revenue_minor: int
    reached: int
    opted_out: int
    late_refunds_minor: int
    cost_minor: int | None = None


@dataclass(frozen=True)
class Money:
    """What the treatment brought in all, in minor units with its interval; the rest only where it is known.

    `cost_minor` is what the treatment cost beyond the control; `net` the margin less that cost, `roi` the same by the
    cost.
    """

    revenue: Difference
    margin: Difference | None = None
    cost_minor: int | None = None
    net: Difference | None = None
    roi: Difference | None = None


@dataclass(frozen=True)
class Comparison:
    """One treatment against the control.

    `rate` is the difference of the repurchase rates by which the verdict goes; `adjusted` the same with the noise of
    earlier purchases taken off; `buyers` how many came back beyond what the control would have done; `detectable` the
    smallest rise that would have been seen four times out of five; `opt_outs` the difference of the shares that took
    back a consent.
    """

    arm: str
    verdict: str
    rate: Difference | None = None
    adjusted: Adjusted | None = None
    buyers: Difference | None = None
    money: Money | None = None
    detectable: float | None = None
    opt_outs: Difference | None = None


@dataclass(frozen=True)
class Cohort:
    """Customers assigned in one day, week or month: the arms' sizes and rates, and each treatment's difference."""

    name: str
    first_day: date
    customers: Mapping[str, int]
    rates: Mapping[str, float | None]
    differences: Mapping[str, Difference | None]


def sum_groups(groups: Iterable[Group]) -> Group:
    """The sums of disjoint groups together."""
    found = Group()
    for group in groups:
        found += group
    return found


@dataclass(frozen=True)
class Terms:
    """What the brand knows besides: its margin in basis points, and what was spent on each arm in minor units."""

    margin_bp: int | None
    costs_minor: Mapping[str, int] | None


def compare_arms(
    groups: Mapping[str, Group], opted_out: Mapping[str, int], balance: Balance, terms: Terms
) -> list[Comparison]:
    """Every treatment against the control. Several share the five per cent (Bonferroni)."""
    treatments = [code for code in groups if code != CONTROL]
    confidence = 1 - (1 - CONFIDENCE) / len(treatments)
    return [_compare(code, groups[code], groups[CONTROL], opted_out, balance, terms, confidence) for code in treatments]


def _compare(
    arm: str,
    treated: Group,
    control: Group,
    opted_out: Mapping[str, int],
    balance: Balance,
    terms: Terms,
    confidence: float,
) -> Comparison:
    if min(treated.customers, control.customers) < LEAST_CUSTOMERS:
        return Comparison(arm, BROKEN if balance.is_broken else TOO_FEW)
    rate = _rates(treated, control, confidence)
    assert rate is not None, "both arms have customers"
    verdict = NONE if not rate.excludes_zero else MORE if rate.low > 0 else FEWER
    return Comparison(
        arm=arm,
        verdict=BROKEN if balance.is_broken else verdict,
        rate=rate,
        adjusted=compare_adjusted(treated.bought, control.bought, confidence),
        buyers=rate.times(treated.customers),
        money=_money(treated, control, terms.margin_bp, _cost_beyond(arm, treated, control, terms), confidence),
        detectable=smallest_detectable(control.rate or 0.0, treated.customers, control.customers, alpha=1 - confidence),
        opt_outs=compare_proportions(
            Successes(min(opted_out.get(arm, 0), treated.customers), treated.customers),
            Successes(min(opted_out.get(CONTROL, 0), control.customers), control.customers),
            confidence,
        ),
    )


def _rates(treated: Group, control: Group, confidence: float) -> Difference | None:
    if not treated.customers or not control.customers:
        return None
    return compare_proportions(
        Successes(treated.buyers, treated.customers), Successes(control.buyers, control.customers), confidence
    )


def _cost_beyond(arm: str, treated: Group, control: Group, terms: Terms) -> int | None:
    """What the treatment cost beyond the control, as revenue is counted: a control of whom some were reached all the
    same, after joins for instance, cost something too, and as many customers of the treatment would have."""
    if terms.costs_minor is None:
        return None
    untouched = terms.costs_minor.get(CONTROL, 0) * treated.customers / control.customers
    return round(terms.costs_minor.get(arm, 0) - untouched)


def _money(
    treated: Group, control: Group, margin_bp: int | None, cost_minor: int | None, confidence: float
) -> Money | None:
    """Revenue is noisy: the noise of what customers spent before is taken off wherever it can be."""
    adjusted = compare_adjusted(treated.money, control.money, confidence)
    each = adjusted.difference if adjusted else compare_means(treated.money, control.money, confidence)
    if each is None:
        return None
    revenue = each.times(treated.customers)
    if margin_bp is None:
        return Money(revenue, cost_minor=cost_minor)
    margin = revenue.times(margin_bp / WHOLE_BP)
    if cost_minor is None:
        return Money(revenue, margin)
    net = margin.plus(-cost_minor)
    # By nothing, or less, no return can be said.
    return Money(revenue, margin, cost_minor, net, net.times(1 / cost_minor) if cost_minor > 0 else None)


def cut_cohorts(by_day: Sums, codes: Sequence[str]) -> tuple[str, list[Cohort]]:
    """The sums by day of assignment, by week or by month; which of these, and the cohorts in order.

    The finest that leaves the smallest arm LEAST_CUSTOMERS a cohort on the average: with fewer, noise is all there is
    to see. The intervals are for orientation: among twenty cohorts one is expected to mislead.
    """
    grain = _grain_of(by_day, codes)
    found: dict[date, dict[str, Group]] = {}
    for (day, arm), group in sorted(by_day.items()):
        groups = found.setdefault(start_of(day, grain), {code: Group() for code in codes})
        groups[arm] = groups.get(arm, Group()) + group
    return grain, [
        Cohort(
            name=name_of(first, grain),
            first_day=first,
            customers={code: groups[code].customers for code in codes},
            rates={code: groups[code].rate for code in codes},
            differences={code: _rates(groups[code], groups[CONTROL], CONFIDENCE) for code in codes if code != CONTROL},
        )
        for first, groups in sorted(found.items())
    ]


def _grain_of(by_day: Sums, codes: Sequence[str]) -> str:
    arms: dict[str, int] = dict.fromkeys(codes, 0)
    for (_day, arm), group in by_day.items():
        arms[arm] = arms.get(arm, 0) + group.customers
    for grain in ("day", "week"):
        cohorts = len({start_of(day, grain) for day, _arm in by_day})
        if cohorts <= _MOST_COHORTS and min(arms.values(), default=0) >= LEAST_CUSTOMERS * cohorts:
            return grain
    return "month"
