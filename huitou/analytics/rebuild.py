"""All order tables and customer features of a lake, computed in full and written in place of the old ones."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import ibis

from huitou.analytics.engines import Engine
from huitou.analytics.feature import Moment, build_features, category_names, interaction_cuts
from huitou.analytics.orders import OrderTables, Terms, build_orders, customers_of, known_customers, lines_extent
from huitou.analytics.person_days import (
    DaysBasis,
    person_days_from_facts,
    person_days_until,
    refresh_person_days,
)
from huitou.analytics.rules import Exclusions, Thresholds

COMPUTED = ("int_orders", "int_order_categories", "int_refunds", "int_person_days", "feat_customers")
Report = Callable[[int, int | None, str], None]


@dataclass(frozen=True)
class Written:
    """One table that was written: its version in the lake, rows, and the seconds since the table before."""

    version: int
    rows: int
    seconds: float


class _Lakeward:
    """The engine's workspace, with declared tables going to the lake as soon as they are computed."""

    def __init__(self, engine: Engine, report: Report) -> None:
        self._engine = engine
        self._report = report
        self._since = time.monotonic()
        self.written: dict[str, Written] = {}

    def keep(self, name: str, expression: ibis.Table) -> ibis.Table:
        return self._engine.keep(name, expression)

    def publish(self, name: str, expression: ibis.Table) -> ibis.Table:
        self._report(len(self.written), len(COMPUTED), name)
        self.note(name, *self._engine.write(name, expression))
        return self._engine.table(name)

    def note(self, name: str, version: int, rows: int) -> None:
        now = time.monotonic()
        self.written[name] = Written(version, rows, round(now - self._since, 3))
        self._since = now
        self._report(len(self.written), len(COMPUTED), name)


def order_terms(engine: Engine, *, as_of: datetime | None, zone: str, exclusions: Exclusions) -> Terms:
    """`Terms` for the engine's facts; asks it for their extent."""
    row = engine.to_pyarrow(lines_extent(engine.table("fct_order_lines"))).to_pylist()[0]
    first = row["first_at"] or datetime(2000, 1, 1, tzinfo=UTC)
    last = row["last_at"] or first
    links = find_links(engine)
    span = first.astimezone(UTC), last.astimezone(UTC)
    return Terms(as_of, zone, _of_customers(exclusions, engine, links), span, row["batches"], links)


def find_links(engine: Engine) -> ibis.Table | None:
    """dim_person_links, or None where nobody was joined: then nothing has to be looked up."""
    links = engine.table("dim_person_links")
    joined = engine.to_pyarrow(links.aggregate(n=links.count()))["n"][0].as_py()
    return links if joined else None


def _of_customers(exclusions: Exclusions, engine: Engine, links: ibis.Table | None) -> Exclusions:
    """Exclusions that name the customers of the persons they name."""
    if links is None or not exclusions.person_ids:
        return exclusions
    found = engine.to_pyarrow(links.filter(links.person_id.isin(exclusions.person_ids))).to_pylist()
    customers = {row["person_id"]: row["customer_id"] for row in found}
    return replace(exclusions, person_ids=tuple(sorted({customers.get(p, p) for p in exclusions.person_ids})))


def define_orders(engine: Engine, *, as_of: datetime | None, zone: str, exclusions: Exclusions) -> OrderTables:
    """Let the engine's order tables be those as of another instant, without touching the lake."""
    terms = order_terms(engine, as_of=as_of, zone=zone, exclusions=exclusions)
    return build_orders(engine.table("fct_order_lines"), engine.table("dim_products"), terms, engine)


def features_at(
    engine: Engine, tables: OrderTables, *, as_of: datetime, zone: str, thresholds: Thresholds
) -> ibis.Table:
    """feat_customers as of an instant, from order tables cut at the same instant and from the events before it."""
    days = person_days_from_facts(engine, as_of, zone, interaction_cuts(as_of))
    return feature_table(tables, engine.table("dim_persons"), days, as_of=as_of, thresholds=thresholds)


def feature_table(
    tables: OrderTables, persons: ibis.Table, days: ibis.Table, *, as_of: datetime, thresholds: Thresholds
) -> ibis.Table:
    """feat_customers from everything that it is made of; `days` are cut at `interaction_cuts(as_of)`."""
    return build_features(
        customers=known_customers(tables.buyers, persons, as_of, tables.links),
        orders=tables.orders,
        categories=tables.categories,
        names=category_names(tables.categories),
        days=lambda: customers_of(days, tables.links),
        moment=Moment(as_of, thresholds),
    )


def rebuild(
    engine: Engine,
    *,
    as_of: datetime,
    zone: str,
    exclusions: Exclusions,
    thresholds: Thresholds,
    report: Report,
    days_basis: DaysBasis | None = None,
) -> dict[str, Written]:
    """Compute and overwrite int_orders, int_order_categories, int_refunds and feat_customers, and bring
    int_person_days up to date.

    Parameters
    ----------
    engine
        Over the facts and dimension tables to start from; afterwards it reads the new tables.
    as_of
        Aware instant; facts from it on do not exist yet.
    zone, exclusions, thresholds
        The brand's settings.
    report
        Called with tables done, tables in all, and the table at hand.
    days_basis
        What int_person_days was made of by the last finished refresh; None: it is made anew.

    Returns
    -------
    dict
        What was written, by table. A process that dies on the way leaves new versions that nobody reads.
    """
    space = _Lakeward(engine, report)
    terms = order_terms(engine, as_of=as_of, zone=zone, exclusions=exclusions)
    tables = build_orders(engine.table("fct_order_lines"), engine.table("dim_products"), terms, space)
    report(len(space.written), len(COMPUTED), "int_person_days")
    refreshed = refresh_person_days(engine, days_basis, zone)
    space.note("int_person_days", refreshed.version, refreshed.rows)
    days = person_days_until(engine, as_of, zone, interaction_cuts(as_of))
    features = feature_table(tables, engine.table("dim_persons"), days, as_of=as_of, thresholds=thresholds)
    space.publish("feat_customers", features)
    return space.written
