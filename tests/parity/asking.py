"""A brand's refresh of the corpus on any engine, and every question that its metrics can be asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import ibis

from huitou.analytics.engines import Engine
from huitou.analytics.interactions import VISITS, interactions_of
from huitou.analytics.metric import Metric
from huitou.analytics.metric_facts import Facts
from huitou.analytics.metrics import METRICS
from huitou.analytics.orders import customers_of
from huitou.analytics.periods import Periods
from huitou.analytics.person_days import person_days_until
from huitou.analytics.rebuild import COMPUTED, find_links, rebuild
from huitou.analytics.rules import Exclusions, Thresholds
from huitou.analytics.touches import touches_span, touches_until
from tests.parity import corpus
from tests.parity.corpus import Setting

SPAN = (date(2024, 1, 1), date(2025, 3, 30))
ATTRIBUTE = "attribute.city"


def load(engine: Engine, setting: Setting) -> None:
    """Write the corpus into the engine's lake."""
    for name, rows in ({} if setting.empty else corpus.tables()).items():
        engine.lake.overwrite(name, rows.to_reader())


def refresh(engine: Engine, setting: Setting) -> dict[str, int]:
    """Compute every table of a refresh; returns rows by table."""
    written = rebuild(
        engine,
        as_of=setting.as_of,
        zone=setting.zone,
        exclusions=Exclusions.from_json(setting.rules),
        thresholds=Thresholds.from_json(setting.cuts),
        report=lambda *_: None,
    )
    assert set(written) == set(COMPUTED)
    return {name: table.rows for name, table in written.items()}


def facts(engine: Engine, setting: Setting, occasion: str) -> Facts:
    """What metrics see of a refreshed lake, the way reports show it to them."""
    days = customers_of(person_days_until(engine, setting.as_of, setting.zone), find_links(engine))
    return Facts(
        orders=engine.table("int_orders"),
        categories=engine.table("int_order_categories"),
        refunds=engine.table("int_refunds"),
        attributes=engine.table("dim_person_attributes"),
        occasion=occasion,
        visits=days.filter(days.name.isin(VISITS)),
        interactions=interactions_of(days),
        touches=touches_until(
            engine.table("fct_touches"),
            find_links(engine),
            as_of=setting.as_of,
            zone=setting.zone,
            span=touches_span(engine),
            confirmed=("wecom",),
        ),
    )


@dataclass(frozen=True)
class Asked:
    """One metric by one grain, some dimensions and one way of counting purchases."""

    metric: Metric
    grain: str
    dims: tuple[str, ...]
    occasion: str

    def __str__(self) -> str:
        return " ".join([self.metric.kind, "by", self.grain, *self.dims, "of", self.occasion])

    def table(self, seen: Facts, span: tuple[date, date] = SPAN) -> ibis.Table:
        """The metric's own table."""
        return self.metric.compute(seen, Periods(self.grain, *span), self.dims)


def questions(
    *, grains: tuple[str, ...], occasions: tuple[str, ...], together: bool = True, attribute: str = ATTRIBUTE
) -> Iterator[Asked]:
    """Every registered metric by the given grains, without dimensions, by each one that it declares, and by all."""
    for metric in METRICS:
        single = [(attribute if dim == "attribute" else dim,) for dim in metric.dimensions]
        every = [tuple(dim for (dim,) in single)] if together and len(single) > 1 else []
        for grain in grains:
            for dims in [(), *single, *every]:
                for occasion in occasions:
                    if grain in metric.grains:
                        yield Asked(metric, grain, dims, occasion)
