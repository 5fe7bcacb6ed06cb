"""The readout: what a treatment caused beyond its control, by intention to treat, once its end date has passed.

Before the end nothing is compared: whoever looks early and stops when it looks good fools himself. Afterwards the
verdict is always that of the end date, from orders and refunds as they stood then; refunds since are told beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import ibis
import pyarrow as pa
from django.db import connection

from huitou.accounts.queries import get_brand
from huitou.analytics.engines import Engine
from huitou.analytics.experiment_outcomes import assigned_customers, late_refunds, outcomes, sums_by_day
from huitou.analytics.tables import FCT_EXPOSURES
from huitou.core.models import RefreshRun
from huitou.experiments import sql
from huitou.experiments.costs import Cost, Span, costs_of
from huitou.experiments.exposures import exposure_table
from huitou.experiments.finding import count_by_arm, get_experiment
from huitou.experiments.judging import (
    NONE,
    ArmFigures,
    Cohort,
    Comparison,
    Group,
    Sums,
    Terms,
    compare_arms,
    cut_cohorts,
    sum_groups,
)
from huitou.experiments.looks import Look, first_finding, judge_looks
from huitou.experiments.models import Experiment, Margin
from huitou.orders.queries import last_refresh, open_engine_of
from huitou.stats.balance import Balance, check_balance
from huitou.stats.moments import Moments

IN_PROGRESS, WAITING, FINAL = "in_progress", "waiting", "final"
# Tables as of an instant hold what lies before it; the end itself counts.
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Readout:
    """What can be said of an experiment as of an instant. Before the end only sizes and their balance are there.

    `assigned` counts persons by arm so far, `arms` the customers that count; `not_counted` were assigned too late for a
    whole window, `mixed` joined persons of different arms. `data_until` is the instant of the last refresh. `spent` is
    the cost so far of everybody assigned, of all arms together; None where nothing is known of any.
    """

    experiment: Experiment
    state: str
    as_of: datetime
    data_until: datetime | None
    assigned: Mapping[str, int]
    balance: Balance
    arms: Sequence[ArmFigures] = ()
    comparisons: Sequence[Comparison] = ()
    cohorts: Sequence[Cohort] = ()
    cohort_grain: str = "day"
    not_counted: int = 0
    mixed: int = 0
    margin_bp: int | None = None
    currency: str = "CNY"
    spent: Cost | None = None
    looks: Sequence[Look] = ()


def readout(experiment: Experiment | str, as_of: datetime | None = None) -> Readout:
    """The readout as of an instant, by default the brand's now. Raises ExperimentUnknownError for an unknown key."""
    found = get_experiment(experiment) if isinstance(experiment, str) else experiment
    return readouts([found], as_of)[0]


def readouts(experiments: Iterable[Experiment], as_of: datetime | None = None) -> list[Readout]:
    """The readouts of many experiments in their order; those of the same end and window are computed together."""
    brand, run, margin = get_brand(), last_refresh(), margin_bp()
    now = as_of or brand.now()
    found: dict[str, Readout] = {}
    alike: dict[tuple[datetime, int], list[Experiment]] = {}
    for one in experiments:
        assigned = count_by_arm(one)
        is_over = now >= one.ends_at
        found[one.key] = Readout(
            experiment=one,
            state=WAITING if is_over else IN_PROGRESS,
            as_of=now,
            data_until=run.as_of if run else None,
            assigned=assigned,
            balance=check_balance(one.shares, assigned),
            margin_bp=margin,
            currency=brand.currency,
            spent=_spent(one, now),
        )
        if is_over and run is not None and run.as_of >= one.ends_at:
            alike.setdefault((one.ends_at, one.window_days), []).append(one)
    if run is not None:
        for early in list(found.values()):
            if early.experiment.looks:
                found[early.experiment.key] = _looked(early, now, run, brand.zone)
    for (end, _window), group in alike.items():
        assert run is not None, "nothing is over before the first refresh"
        rows = _assignments(group)
        with open_engine_of(run, end + _INSTANT) as engine:
            sums = _sums(engine, group, rows, brand.zone, end)
        late: dict[str, dict[str, int]] = {}
        if (until := min(now, run.as_of)) > end + _INSTANT:
            with open_engine_of(run, until) as engine:
                late = _late(engine, group, rows)
        for one in group:
            found[one.key] = _final(found[one.key], sums.get(one.key, {}), late.get(one.key, {}))
    return list(found.values())


def _looked(early: Readout, now: datetime, run: RefreshRun, zone: str) -> Readout:
    """With the planned looks whose day has passed, of facts that reach so far; the end is the last of them."""
    experiment = early.experiment
    past = [at for at in experiment.look_instants if at <= min(now, run.as_of)]
    rows = _assignments([experiment]) if past else None
    groups = []
    for at in past:
        with open_engine_of(run, at + _INSTANT) as engine:
            by_day = _sums(engine, [experiment], rows, zone, at).get(experiment.key, {})
        groups.append(
            {
                arm.code: sum_groups(group for (_, code), group in by_day.items() if code == arm.code)
                for arm in experiment.shares
            }
        )
    return replace(early, looks=judge_looks(experiment, groups))


def _spent(experiment: Experiment, as_of: datetime) -> Cost | None:
    costs = costs_of(experiment, Span(as_of, as_of))
    return None if costs is None else sum(costs.values(), Cost())


def margin_bp() -> int | None:
    """The brand's margin in basis points of revenue, None where it is not known."""
    last = Margin.objects.order_by("-pk").first()
    return None if last is None else last.margin_bp


def _assignments(experiments: Sequence[Experiment]) -> pa.Table:
    with connection.cursor() as cursor:
        cursor.execute(sql.ASSIGNED, [[one.pk for one in experiments]])
        return exposure_table(cursor.fetchall(), 0)


def _customers(engine: Engine, rows: pa.Table, until: datetime) -> ibis.Table:
    """Who counts: the customers of the engine's tables that were assigned in time."""
    exposures = engine.provide(FCT_EXPOSURES.name, rows)
    return assigned_customers(exposures, engine.table("dim_person_links"), until=until)


def _sums(
    engine: Engine, experiments: Sequence[Experiment], rows: pa.Table, zone: str, end: datetime
) -> dict[str, dict[tuple[date, str], Group]]:
    """What the engine adds up of those whose window is over by `end`: by experiment, day of assignment and arm."""
    window_days = experiments[0].window_days
    customers = _customers(engine, rows, end - timedelta(days=window_days))
    each = outcomes(customers, engine.table("int_orders"), window_days=window_days)
    since = min(one.starts_at for one in experiments)
    table = engine.to_pyarrow(sums_by_day(each, zone=zone, since=since, until=end))
    found: dict[str, dict[tuple[date, str], Group]] = {}
    for row in table.to_pylist():
        found.setdefault(row["experiment"], {})[row["day"], row["arm"]] = _group(row)
    return found


def _group(row: Mapping[str, Any]) -> Group:
    n, buyers = int(row["customers"]), float(row["buyers"])
    return Group(
        customers=n,
        mixed=int(row["mixed"]),
        purchases=int(row["purchases"]),
        bought=Moments(n, buyers, buyers, row["prior"], row["prior_squares"], row["prior_with_bought"]),
        money=Moments(
            n,
            row["revenue"],
            row["revenue_squares"],
            row["spent"],
            row["spent_squares"],
            row["spent_with_revenue"],
        ),
    )


def _late(engine: Engine, experiments: Sequence[Experiment], rows: pa.Table) -> dict[str, dict[str, int]]:
    """What went back since the end, by experiment and arm."""
    table = engine.to_pyarrow(
        late_refunds(
            _customers(engine, rows, experiments[0].last_counted_at),
            engine.table("int_orders"),
            engine.table("int_refunds"),
            window_days=experiments[0].window_days,
            after=experiments[0].ends_at,
        )
    )
    found: dict[str, dict[str, int]] = {}
    for row in table.to_pylist():
        found.setdefault(row["experiment"], {})[row["arm"]] = int(row["amount_minor"])
    return found


def _final(early: Readout, by_day: Sums, late: Mapping[str, int]) -> Readout:
    experiment = early.experiment
    # Of those who count, like everything else, and up to the end.
    costs = costs_of(experiment, Span(experiment.last_counted_at, experiment.ends_at))
    codes = [arm.code for arm in experiment.shares]
    groups = {code: sum_groups(group for (_, arm), group in by_day.items() if arm == code) for code in codes}
    balance = check_balance(experiment.shares, {code: group.customers for code, group in groups.items()})
    reached, opted_out = _counts(sql.REACHED, experiment), _counts(sql.OPTED_OUT, experiment)
    arms = [
        ArmFigures(
            arm=share.code,
            share_bp=share.share_bp,
            customers=(group := groups[share.code]).customers,
            buyers=group.buyers,
            rate=group.rate,
            purchases=group.purchases,
            revenue_minor=round(group.money.y),
            reached=reached.get(share.code, 0),
            opted_out=opted_out.get(share.code, 0),
            late_refunds_minor=late.get(share.code, 0),
            cost_minor=None if costs is None else costs[share.code].minor,
        )
        for share in experiment.shares
    ]
    grain, cohorts = cut_cohorts(by_day, codes)
    minor = None if costs is None else {arm: cost.minor for arm, cost in costs.items()}
    return replace(
        early,
        state=FINAL,
        balance=balance,
        arms=arms,
        comparisons=_with_looks(
            compare_arms(groups, opted_out, balance, Terms(early.margin_bp, minor)), early.looks, balance
        ),
        cohorts=cohorts,
        cohort_grain=grain,
        not_counted=sum(_counts(sql.ASSIGNED_LATE, experiment).values()),
        mixed=sum(group.mixed for group in groups.values()),
    )


def _with_looks(comparisons: Sequence[Comparison], looks: Sequence[Look], balance: Balance) -> Sequence[Comparison]:
    """Where looks were planned the verdict is that of the first look that found something, and the interval the one
    that holds at all looks together."""
    if not looks:
        return comparisons
    found = []
    for compared in comparisons:
        last = next(told for told in looks[-1].arms if told.arm == compared.arm)
        first = first_finding(looks, compared.arm)
        if compared.rate is None or last.difference is None or balance.is_broken:
            found.append(compared)
        else:
            found.append(replace(compared, rate=last.difference, verdict=first[1].verdict if first else NONE))
    return found


def _counts(query: str, experiment: Experiment) -> dict[str, int]:
    """Customers by arm."""
    asked: dict[str, Any] = {
        "experiment": experiment.pk,
        "until": experiment.last_counted_at,
        "hours": 24 * experiment.window_days,
    }
    with connection.cursor() as cursor:
        cursor.execute(query, asked)
        return {str(arm): int(count) for arm, count in cursor.fetchall()}
