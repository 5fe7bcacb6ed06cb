"""Buyers out of contact: with whom nothing happened in the 30 days after they bought, month by month."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import ibis
from django.db import transaction
from django.utils.translation import gettext as _

from huitou.accounts.models import Brand, User
from huitou.accounts.queries import get_brand
from huitou.accounts.services import record_audit
from huitou.analytics.engines import Engine
from huitou.analytics.metrics.contact_gap_rate import DAYS, METRIC, buyers
from huitou.analytics.periods import Periods
from huitou.core.clock import Clock, local_day
from huitou.orders.export import Exported, write_people
from huitou.orders.queries import get_last_refresh, open_engine_of
from huitou.reports.figures import cached_metric
from huitou.reports.queries import MetricResult, MetricRow
from huitou.reports.questions import Question, QuestionError
from huitou.reports.results import facts_of

# Of the buyers of private domains, so many were not contacted; a brand may set a target of its own.
BENCHMARK = 0.68
MONTHS = 13
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class Silent:
    """A customer out of contact, and the day of the first purchase in the month."""

    person_id: int
    bought_on: date


@dataclass(frozen=True)
class ContactGap:
    """A month's rate with the months before it. `target` is a rate to stay below."""

    month: str
    row: MetricRow | None
    trend: MetricResult
    target: float

    @property
    def is_met(self) -> bool | None:
        """Whether the rate lies below its target; None where there is no rate."""
        value = self.row.value if self.row else None
        return None if value is None else value < self.target


def read_month(text: str, brand: Brand) -> date:
    """The first day of a month such as 2017-09; without one, of the last month whose figure is final.

    Raises QuestionError.
    """
    if not text:
        until = local_day(brand.now(), brand.tz) - timedelta(days=DAYS)
        return (until.replace(day=1) - timedelta(days=1)).replace(day=1)
    if not _MONTH.fullmatch(text) or not 1900 <= int(text[:4]) <= 2199:
        raise QuestionError(_("%(text)s is no month; write it like 2017-09.") % {"text": text[:40]}, code="bad_date")
    return date.fromisoformat(f"{text}-01")


def contact_gap(month: date) -> ContactGap:
    """The rate of a month, and of the twelve before it. Raises NoBrandError, NotRefreshedError."""
    brand = get_brand()
    first = month
    for _step in range(MONTHS - 1):
        first = (first - timedelta(days=1)).replace(day=1)
    trend = cached_metric(brand, METRIC.kind, from_date=first, to_date=_last_day(month))
    name = f"{month:%Y-%m}"
    row = next((row for row in trend.rows if row.period == name and row.denominator), None)
    return ContactGap(name, row, trend, float(brand.targets.get(METRIC.kind, BENCHMARK)))


def silent_page(month: date, *, after: int = 0, limit: int = 50) -> tuple[list[Silent], int]:
    """Those of a month with numbers above `after`, and how many there are in all.

    Whose 30 days are not over yet is not among them. Raises NoBrandError, NotRefreshedError.
    """
    with _silent(month) as (engine, rows, _as_of):
        total = int(engine.to_pyarrow(rows.aggregate(n=rows.count()))["n"][0].as_py())
        found = engine.to_pyarrow(rows.filter(rows.person_id > after).order_by("person_id").limit(limit)).to_pylist()
    return [Silent(int(row["person_id"]), row["bought_on"]) for row in found], total


def silent_ids(month: date) -> list[int]:
    """Numbers of all of them."""
    with _silent(month) as (engine, rows, _as_of):
        return [
            int(n) for n in engine.to_pyarrow(rows.select("person_id").order_by("person_id"))["person_id"].to_pylist()
        ]


def export_silent(
    *, month: date, out: Path, clock: Clock, actor: User | None = None, actor_label: str = "cli"
) -> Exported:
    """Write person_id, external_id and bought_on of each to .parquet or .csv; one audit entry says how many.

    Raises ExportError, NoBrandError, NotRefreshedError.
    """
    with transaction.atomic(), _silent(month) as (engine, rows, as_of):
        count = write_people(out, engine.to_pyarrow(rows.order_by("person_id")).to_reader())
        record_audit(
            action="contact_gap.exported",
            clock=clock,
            actor=actor,
            actor_label=actor_label,
            target=f"{month:%Y-%m}",
            count=count,
        )
    return Exported(out, count, as_of)


@contextmanager
def _silent(month: date) -> Iterator[tuple[Engine, ibis.Table, datetime]]:
    brand, run = get_brand(), get_last_refresh()
    last = _last_day(month)
    question = Question(METRIC, month, last, "month", (), None, "order")
    # The day of the instant of the facts: what happens on it is not known to its end.
    over = local_day(run.as_of, brand.tz) - timedelta(days=DAYS)
    with open_engine_of(run) as engine:
        found = buyers(facts_of(engine, question, run, brand), Periods("month", month, last))
        silent = found.filter(found.seen == 0, found.bought_on < ibis.literal(over))
        yield engine, silent.select("person_id", "bought_on"), run.as_of.astimezone(brand.tz)


def _last_day(month: date) -> date:
    return month.replace(day=calendar.monthrange(month.year, month.month)[1])
