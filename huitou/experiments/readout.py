"""The readout: what a treatment caused beyond its control, by intention to treat, once its end date has passed.

Before the end nothing is compared: whoever looks early and stops when it looks good fools himself. Afterwards the
verdict is always that of the end date, from orders and refunds as they stood then; refunds since are told beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from huitou.experiments import sql
from huitou.experiments.costs import cost_of
from huitou.experiments.exposures import exposure_table
from huitou.experiments.finding import count_by_arm, get_experiment
from huitou.experiments.judging import (
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
    whole window, `mixed` joined persons of different arms. `data_until` is the instant of the last refresh.
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


def readout(experiment: Experiment | str, as_of: datetime | None = None, *, cost_minor: int | None = None) -> Readout:
    """The readout as of an instant, by default the brand's now.

    `cost_minor` is what the treatment cost up to the end; by default what higher apps know of it. Raises
    ExperimentUnknownError for a key that does not exist.
    """
    found = get_experiment(experiment) if isinstance(experiment, str) else experiment
    brand = get_brand()
    now = as_of or brand.now()
    run = last_refresh()
    assigned = count_by_arm(found)
    early = Readout(
        experiment=found,
        state=IN_PROGRESS,
        as_of=now,
        data_until=run.as_of if run else None,
        assigned=assigned,
        balance=check_balance(found.shares, assigned),
        margin_bp=margin_bp(),
        currency=brand.currency,
    )
    if now < found.ends_at:
        return early
    if run is None or run.as_of < found.ends_at:
        return replace(early, state=WAITING)
    rows = _assignments(found)
    with open_engine_of(run, found.ends_at + _INSTANT) as engine:
        by_day = _sums(engine, found, _customers(engine, found, rows), brand.zone)
    with open_engine_of(run, min(max(now, found.ends_at + _INSTANT), run.as_of)) as engine:
        late = _late(engine, found, _customers(engine, found, rows))
    return _final(early, by_day, late, cost_of(found) if cost_minor is None else cost_minor)


def margin_bp() -> int | None:
    """The brand's margin in basis points of revenue, None where it is not known."""
    last = Margin.objects.order_by("-pk").first()
    return None if last is None else last.margin_bp


def _assignments(experiment: Experiment) -> pa.Table:
    with connection.cursor() as cursor:
        cursor.execute(sql.ASSIGNED, [experiment.pk])
        return exposure_table(cursor.fetchall(), 0)


def _customers(engine: Engine, experiment: Experiment, rows: pa.Table) -> ibis.Table:
    """Who counts: the customers of the engine's tables that were assigned in time."""
    exposures = engine.provide(FCT_EXPOSURES.name, rows)
    return assigned_customers(exposures, engine.table("dim_person_links"), until=experiment.last_counted_at)


def _sums(engine: Engine, experiment: Experiment, customers: ibis.Table, zone: str) -> dict[tuple[date, str], Group]:
    """What the engine adds up, by day of assignment and arm."""
    each = outcomes(customers, engine.table("int_orders"), window_days=experiment.window_days)
    found = sums_by_day(each, zone=zone, since=experiment.starts_at, until=experiment.ends_at)
    return {(row["day"], row["arm"]): _group(row) for row in engine.to_pyarrow(found).to_pylist()}


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


def _late(engine: Engine, experiment: Experiment, customers: ibis.Table) -> dict[str, int]:
    """What went back since the end, by arm."""
    found = late_refunds(
        customers,
        engine.table("int_orders"),
        engine.table("int_refunds"),
        window_days=experiment.window_days,
        after=experiment.ends_at,
    )
    return {row["arm"]: int(row["amount_minor"]) for row in engine.to_pyarrow(found).to_pylist()}


def _final(early: Readout, by_day: Sums, late: Mapping[str, int], cost_minor: int | None) -> Readout:
    experiment = early.experiment
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
        )
        for share in experiment.shares
    ]
    grain, cohorts = cut_cohorts(by_day, codes)
    return replace(
        early,
        state=FINAL,
        balance=balance,
        arms=arms,
        comparisons=compare_arms(groups, opted_out, balance, Terms(early.margin_bp, cost_minor)),
        cohorts=cohorts,
        cohort_grain=grain,
        not_counted=sum(_counts(sql.ASSIGNED_LATE, experiment).values()),
        mixed=sum(group.mixed for group in groups.values()),
    )


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
