"""Metrics as people ask for them: one name, one definition, one answer for page, command line and export."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils.translation import gettext as _

from huitou.accounts.exclusions import describe_exclusions
from huitou.accounts.models import Brand
from huitou.accounts.queries import get_brand
from huitou.analytics.metric import Metric, Target
from huitou.analytics.metric_rows import FigureRow
from huitou.analytics.metrics import METRICS
from huitou.core.clock import day_start, local_day
from huitou.reports.questions import Question, read_question
from huitou.reports.results import Answer, find_answer

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class MetricRow:
    """One figure. `value` is a share from 0 to 1, minor units, a count or days, as `unit` says.

    `complete`: the period and the metric's window after it are over and the range does not cut the period.
    `over`: the same without regard to the range. `covered`: the facts span the period and that window. `first` and
    `last` are its days, cut to the range.
    """

    period: str | None
    dims: dict[str, str]
    series: str | None
    value: int | float | None
    numerator: int | None
    denominator: int | None
    complete: bool
    covered: bool
    unit: str = ""
    first: date | None = None
    last: date | None = None
    over: bool = True


@dataclass(frozen=True)
class MetricResult:
    """A metric's answer with everything that must be printed beside it; texts in the reader's language.

    `as_of` and `observed_until`, the last instant of the order facts, are in the brand's zone.
    """

    metric: str
    label: str
    definition: str
    unit: str
    currency: str
    exclusions: str
    as_of: datetime
    observed_until: datetime | None
    occasion: str
    rows: list[MetricRow]
    term_zh: str = ""
    not_to_confuse: str = ""
    caveat: str = ""
    dims: tuple[str, ...] = ()
    target: Target | None = None


def list_metrics() -> list[Metric]:
    """Every metric, in alphabetical order of its name."""
    return sorted(METRICS, key=lambda metric: metric.kind)


def show_metric(
    name: str,
    *,
    from_date: date,
    to_date: date,
    by: Sequence[str] = ("month",),
    as_of: datetime | None = None,
    occasion: str = "order",
) -> MetricResult:
    """One metric over a range of brand-zone days, both inclusive.

    Parameters
    ----------
    by : at most one of day, week, month, quarter, year and total, and any dimensions of the metric: channel, store,
        category, attribute.<name>, of messages message_channel and source. Only dimensions mean total; nothing means
        month.
    as_of : facts from this instant on do not exist yet; without it, or later than now, everything is as known now
    occasion : order, or day: orders of one customer and day are one purchase

    Returns
    -------
    MetricResult with one row per period, combination of dimension values and series, in that order.

    Raises
    ------
    QuestionError
        Unknown metric, time grain, dimension, attribute or occasion, or a range that cannot be.
    NoBrandError
        The store is empty.
    NotRefreshedError
        Nothing has been computed yet.
    """
    brand = get_brand()
    now = brand.now()
    if as_of is not None and as_of < now:
        now = as_of
    else:
        as_of = None
    question = read_question(name, from_date, to_date, tuple(by), as_of, occasion)
    answer = find_answer(question, brand, today=local_day(now - _INSTANT, brand.tz))
    metric = question.metric
    caveat = metric.caveat if metric.needs_caveat([row.figure for row in answer.rows]) else ""
    return MetricResult(
        metric=metric.kind,
        label=_(metric.label),
        definition=_(metric.definition),
        unit=metric.unit,
        currency=brand.currency,
        exclusions=describe_exclusions(answer.exclusions, brand.currency),
        as_of=now.astimezone(brand.tz),
        observed_until=answer.observed_until.astimezone(brand.tz) if answer.observed_until else None,
        occasion=occasion,
        rows=[_row(row, question, answer, brand, now) for row in answer.rows],
        term_zh=metric.term_zh,
        not_to_confuse=_(metric.not_to_confuse),
        caveat=_(caveat) if caveat else "",
        dims=question.dims,
        target=metric.target,
    )


def _row(row: FigureRow, question: Question, answer: Answer, brand: Brand, now: datetime) -> MetricRow:
    period, figure = row.period, row.figure
    last_day, window = question.metric.final_after(period, figure)
    final_at = day_start(last_day + timedelta(days=1), brand.tz) + window
    covered = (question.metric.is_own_record and final_at <= now) or (
        answer.observed_from is not None
        and answer.observed_until is not None
        and local_day(answer.observed_from, brand.tz) <= period.last
        and local_day(answer.observed_until, brand.tz) >= local_day(final_at - _INSTANT, brand.tz)
    )
    return MetricRow(
        period=period.name,
        dims=dict(zip(question.dims, row.values, strict=True)),
        series=figure.series,
        value=figure.value,
        numerator=figure.numerator,
        denominator=figure.denominator,
        complete=final_at <= now and not period.clipped,
        covered=covered,
        unit=figure.unit or question.metric.unit,
        first=period.first,
        last=period.last,
        over=final_at <= now,
    )
