"""Figures computed over the lake as the last refresh left it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime

import ibis

from huitou.accounts.models import Brand
from huitou.analytics.days import local_day
from huitou.analytics.engines import Engine
from huitou.analytics.metric_facts import VISITS, Facts
from huitou.analytics.metric_rows import FigureRow, compute_rows
from huitou.analytics.orders import customers_of
from huitou.analytics.periods import Periods
from huitou.analytics.rebuild import find_links
from huitou.analytics.rules import Exclusions
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
    with closing(open_engine_of(run, question.as_of)) as engine:
        return _compute(question, brand, engine, today, Exclusions.from_json(excluded))


def _compute(question: Question, brand: Brand, engine: Engine, today: date, exclusions: Exclusions) -> Answer:
    facts = Facts(
        orders=engine.table("int_orders"),
        categories=engine.table("int_order_categories"),
        refunds=engine.table("int_refunds"),
        attributes=engine.table("dim_person_attributes"),
        occasion=question.occasion,
        visits=_visits(engine, brand, question.as_of) if question.metric.uses_visits else None,
    )
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


def _visits(engine: Engine, brand: Brand, as_of: datetime | None) -> ibis.Table | None:
    """Visits of identified persons by brand-zone day, or None where none are on record."""
    events = customers_of(engine.table("fct_events"), find_links(engine))
    seen = events.filter(events.name.isin(VISITS) & events.person_id.notnull())
    if as_of is not None:
        seen = seen.filter(seen.occurred_at < ibis.literal(as_of))
    extent = seen.aggregate(first_at=seen.occurred_at.min(), last_at=seen.occurred_at.max())
    span = engine.to_pyarrow(extent).to_pylist()[0]
    if span["first_at"] is None:
        return None
    return seen.select("person_id", day=local_day(seen.occurred_at, brand.zone, span["first_at"], span["last_at"]))
