"""Figures computed over the lake as the last refresh left it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import ibis

from huitou.accounts.models import Brand
from huitou.analytics.engines import Engine
from huitou.analytics.interactions import VISITS, interactions_of
from huitou.analytics.metric import Metric
from huitou.analytics.metric_facts import Facts
from huitou.analytics.metric_rows import FigureRow, compute_rows
from huitou.analytics.orders import customers_of
from huitou.analytics.periods import Periods
from huitou.analytics.person_days import person_days_from_facts, person_days_until
from huitou.analytics.rebuild import find_links
from huitou.analytics.rules import Exclusions
from huitou.analytics.touches import touches_span, touches_until
from huitou.core.models import RefreshRun
from huitou.messaging.recalling import kinds_that_take_back
from huitou.orders.queries import get_last_refresh, open_engine_of
from huitou.reports.questions import Question, check_attributes


@dataclass(frozen=True)
class Answer:
    """Figures, the first and last instant of the order facts they come from (None: there are none), and what those
    facts leave out."""

    rows: list[FigureRow]
    observed_from: datetime | None
    observed_until: datetime | None
    exclusions: Exclusions


def find_answer(question: Question, brand: Brand, *, today: date) -> Answer:
    """The answer over the tables of the last refresh; `today` is the brand's day at the as-of instant.

    Raises QuestionError where an attribute is asked for that no person has, NotRefreshedError where nothing was
    computed yet.
    """
    run = get_last_refresh()
    # Tables of the refresh leave out what was excluded then; those as of an instant are computed now.
    excluded = brand.exclusions if question.as_of is not None else run.detail["basis"]["exclusions"]
    with open_engine_of(run, question.as_of) as engine:
        facts = facts_of(engine, question, run, brand)
        return _compute(question, engine, facts, today, Exclusions.from_json(excluded))


def facts_of(engine: Engine, question: Question, run: RefreshRun, brand: Brand) -> Facts:
    """What a question's metric looks at, in the tables of a refresh that were opened as of the question's instant."""
    days = _days(engine, question, run, brand) if _uses_days(question.metric) else None
    touches = _touches(engine, question.as_of or run.as_of, brand) if question.metric.uses_touches else None
    return Facts(
        orders=engine.table("int_orders"),
        categories=engine.table("int_order_categories"),
        refunds=engine.table("int_refunds"),
        attributes=engine.table("dim_person_attributes"),
        occasion=question.occasion,
        visits=_visits(engine, days) if days is not None and question.metric.uses_visits else None,
        interactions=None if days is None else interactions_of(days),
        touches=touches,
    )


def _compute(question: Question, engine: Engine, facts: Facts, today: date, exclusions: Exclusions) -> Answer:
    if any(dim.startswith("attribute.") for dim in question.dims):
        names = engine.to_pyarrow(facts.attributes.select("attribute").distinct().order_by("attribute"))
        check_attributes(question.dims, names["attribute"].to_pylist())
    extent = engine.to_pyarrow(facts.extent()).to_pylist()[0]
    rows = compute_rows(
        question.metric,
        facts,
        Periods(question.grain, question.from_date, question.to_date),
        question.dims,
        today=today,
        execute=engine.to_pyarrow,
    )
    return Answer(rows, extent["first_at"], extent["last_at"], exclusions)


def _uses_days(metric: Metric) -> bool:
    return metric.uses_visits or metric.uses_interactions


def _days(engine: Engine, question: Question, run: RefreshRun, brand: Brand) -> ibis.Table:
    """What customers did by day and event name, before the instant that is asked for."""
    if question.as_of is None or question.as_of == run.as_of:
        return customers_of(person_days_until(engine, run.as_of, run.detail["basis"]["zone"]), find_links(engine))
    return customers_of(person_days_from_facts(engine, question.as_of, brand.zone), find_links(engine))


def _touches(engine: Engine, as_of: datetime, brand: Brand) -> ibis.Table:
    """Messages that were meant for customers, as they stood at the instant that is asked for."""
    return touches_until(
        engine.table("fct_touches"),
        find_links(engine),
        as_of=as_of,
        zone=brand.zone,
        span=touches_span(engine),
        confirmed=kinds_that_take_back(),
    )


def _visits(engine: Engine, days: ibis.Table) -> ibis.Table | None:
    """Days with a visit, or None where no visit is on record."""
    seen = days.filter(days.name.isin(VISITS))
    known = engine.to_pyarrow(seen.aggregate(rows=seen.count()))["rows"][0].as_py()
    return seen if known else None
