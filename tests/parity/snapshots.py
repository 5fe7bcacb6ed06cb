"""The SQL of every step, feature, metric and kind of condition in both engines' words (`make snapshots` writes it)."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import ibis

from huitou.analytics import conditions
from huitou.analytics.conditions.lake_facts import order_lines
from huitou.analytics.engines.engine import loose_schema
from huitou.analytics.engines.spark_words import spark_sql
from huitou.analytics.feature import (
    FEATURES,
    Feature,
    Moment,
    category_rows,
    interaction_cuts,
    interaction_rows,
    message_rows,
    order_rows,
)
from huitou.analytics.interactions import VISITS, interactions_of
from huitou.analytics.item_purchases import KEYS, purchased_items
from huitou.analytics.metric_facts import Facts
from huitou.analytics.metrics import METRICS
from huitou.analytics.orders import Terms, build_orders, customers_of
from huitou.analytics.periods import Periods
from huitou.analytics.person_days import done_events, person_days_until, sum_days
from huitou.analytics.purchase_days import purchase_days, purchase_spans
from huitou.analytics.rebuild import feature_table
from huitou.analytics.rules import Exclusions, Thresholds
from huitou.analytics.touches import touches_until

FOLDER = Path(__file__).parent / "sql"
DIALECTS = ("duckdb", "pyspark")
AS_OF = datetime(2024, 4, 1, tzinfo=UTC)
SPAN = (datetime(2023, 9, 1, tzinfo=UTC), AS_OF)
END = (AS_OF - datetime(1970, 1, 1, tzinfo=UTC)).days
ZONE = "Europe/London"
RULES = Exclusions(min_amount_minor=100, channels=("store",), skus=("z",), person_ids=(2,))
_IN_MEMORY = re.compile(r"\bibis_\w*memtable_\w+")
_LEFT_OUT = re.compile(r"(EXCLUDE|EXCEPT) \(([^()]+)\)")


class Paper:
    """A workspace that computes nothing: it notes every step and hands on a table of the same columns."""

    def __init__(self) -> None:
        self.steps: dict[str, ibis.Table] = {}

    def keep(self, name: str, expression: ibis.Table) -> ibis.Table:
        self.steps[name] = expression
        return ibis.table(expression.schema(), name=name)

    def publish(self, name: str, expression: ibis.Table) -> ibis.Table:
        self.keep(name, expression)
        return self.table(name)

    def table(self, name: str) -> ibis.Table:
        return ibis.table(loose_schema(name), name=name)


@cache
def _steps() -> dict[str, ibis.Table]:
    """Every table of a refresh, without the features, which are told one by one."""
    paper = Paper()
    terms = Terms(AS_OF, ZONE, RULES, SPAN, batches=2, links=paper.table("dim_person_links"))
    tables = build_orders(paper.table("fct_order_lines"), paper.table("dim_products"), terms, paper)
    paper.keep("int_person_days", sum_days(done_events(paper.table("fct_events")), ZONE, SPAN))
    links = paper.table("dim_person_links")
    paper.keep(
        "touches_until",
        touches_until(paper.table("fct_touches"), links, as_of=AS_OF, zone=ZONE, span=SPAN, confirmed=("wecom",)),
    )
    spans = purchase_spans(purchase_days(paper.table("int_orders")), END, (28, 182))
    paper.keep("purchase_spans", spans)
    days = paper.keep("person_days_until", person_days_until(paper, AS_OF, ZONE, interaction_cuts(AS_OF)))
    # Not kept as text, since each feature is; but that they fit together is part of being said at all.
    feature_table(tables, paper.table("dim_persons"), days, as_of=AS_OF, thresholds=Thresholds())
    return paper.steps


def _days() -> ibis.Table:
    return ibis.table(_steps()["person_days_until"].schema(), name="person_days_until")


def _feature(feature: Feature) -> ibis.Table:
    """One feature alone, from what it aggregates or from the features that it needs."""
    paper, moment = Paper(), Moment(AS_OF, Thresholds())
    if feature.derive:
        others = {f.kind: f.dtype for f in FEATURES if f.kind in feature.needs}
        table = ibis.table({"person_id": "int64", **others}, name="features")
        return table.select("person_id", **{feature.kind: feature.derive(table, moment).cast(feature.dtype)})
    names = ibis.table({"category": "string", "place": "int64"}, name="category_names")
    build, rows = next(
        (build, rows)
        for build, rows in (
            (feature.over_orders, order_rows(paper.table("int_orders"))),
            (feature.over_categories, category_rows(paper.table("int_order_categories"), names)),
            (feature.over_interactions, interaction_rows(_days())),
            (feature.over_messages, message_rows(_days())),
        )
        if build
    )
    return rows.group_by("person_id").aggregate(**{feature.kind: build(rows, moment)})


def _facts(occasion: str = "order", kind: type[Facts] = Facts) -> Facts:
    paper, days = Paper(), _days()
    return kind(
        orders=paper.table("int_orders"),
        categories=paper.table("int_order_categories"),
        refunds=paper.table("int_refunds"),
        attributes=paper.table("dim_person_attributes"),
        occasion=occasion,
        visits=days.filter(days.name.isin(VISITS)),
        interactions=interactions_of(days),
        touches=ibis.table(_steps()["touches_until"].schema(), name="touches_until"),
    )


def _seen() -> dict[str, ibis.Table]:
    """The facts as metrics see them, by every dimension."""
    orders, days = _facts(), _facts("day")
    found: dict[str, ibis.Table] = {}
    for dim in ("", "channel", "category", "attribute.city"):
        dims, by = ((dim,), f"_by_{dim.split('.')[0]}") if dim else ((), "")
        found |= {
            f"purchases{by}": orders.purchases(dims),
            f"purchases_of_days{by}": days.purchases(dims),
            f"first_purchases{by}": orders.first_purchases(dims),
            f"sequence{by}": orders.sequence(dims),
            f"sales{by}": orders.sales(dims),
            f"money_back{by}": orders.money_back(dims),
        }
        if dim in ("", "attribute.city"):
            found[f"interactions{by}"] = orders.interactions_by_day(dims)
            found[f"touches{by}"] = orders.meant_touches(dims)
    terms = Terms(AS_OF, ZONE, RULES, SPAN, batches=2, links=Paper().table("dim_person_links"))
    return found | {f"purchased_{key}": purchased_items(Paper(), key, terms) for key in KEYS}


class _NamedFacts(Facts):
    """Facts that are called by name, so that a metric's text holds the metric alone."""

    def _named(self, name: str, table: ibis.Table) -> ibis.Table:
        return ibis.table(table.schema(), name=name)

    def purchases(self, dims: Sequence[str] = ()) -> ibis.Table:
        return self._named("purchases", super().purchases(dims))

    def first_purchases(self, dims: Sequence[str] = ()) -> ibis.Table:
        return self._named("first_purchases", super().first_purchases(dims))

    def sequence(self, dims: Sequence[str] = ()) -> ibis.Table:
        return self._named("sequence", super().sequence(dims))

    def sales(self, dims: Sequence[str] = ()) -> ibis.Table:
        return self._named("sales", super().sales(dims))

    def money_back(self, dims: Sequence[str] = ()) -> ibis.Table:
        return self._named("money_back", super().money_back(dims))

    def meant_touches(self, dims: Sequence[str] = ()) -> ibis.Table:
        return self._named("touches", super().meant_touches(dims))

    def interactions_by_day(self, dims: Sequence[str] = ()) -> ibis.Table:
        return self._named("interactions", super().interactions_by_day(dims))


def _metrics() -> dict[str, ibis.Table]:
    """Every metric by month, and by the dimension of persons, which all of them have."""
    seen, periods = _facts(kind=_NamedFacts), Periods("month", date(2024, 1, 1), date(2024, 3, 31))
    plain = {metric.kind: metric.compute(seen, periods, ()) for metric in METRICS}
    cut = {f"{metric.kind}_by_attribute": metric.compute(seen, periods, ("attribute.city",)) for metric in METRICS}
    return plain | cut


def _conditions() -> dict[str, ibis.Table]:
    """The members of every example of every kind of leaf, and of a tree of several."""
    paper, moment = Paper(), conditions.Moment(AS_OF, ZONE)
    facts = conditions.Facts(
        features=paper.table("feat_customers"),
        events=customers_of(paper.table("fct_events"), paper.table("dim_person_links")),
        orders=paper.table("int_orders"),
        lines=ibis.table(_order_lines().schema(), name="order_lines"),
        tags=paper.table("dim_person_tags"),
        consents=paper.table("dim_person_consents"),
        identifiers=paper.table("dim_person_identifiers"),
        dates=paper.table("dim_person_dates"),
        segments=paper.table("int_segment_members"),
    )
    kinds = [kind for kind in conditions.KINDS if kind.audience]
    asked = {f"{k.kind}_{n}": example for k in kinds for n, example in enumerate(k.examples, start=1)}
    asked["tree"] = {"all": [kinds[0].examples[0], {"any": [{"not": k.examples[-1]} for k in kinds]}]}
    found = {
        name: conditions.compile_members(conditions.parse_condition(data), facts, moment)
        for name, data in asked.items()
    }
    return found | {"order_lines": _order_lines()}


def _order_lines() -> ibis.Table:
    paper = Paper()
    named = ("fct_order_lines", "int_orders", "int_refunds", "dim_products")
    return order_lines(*(paper.table(name) for name in named))


def make_snapshots(dialect: str) -> dict[str, str]:
    """The text of every snapshot of one dialect, by its path below the dialect's folder."""
    groups = {
        "steps": _steps(),
        "features": {feature.kind: _feature(feature) for feature in FEATURES},
        "facts": _seen(),
        "metrics": _metrics(),
        "conditions": _conditions(),
    }
    return {
        f"{group}/{name}.sql": _text(table, dialect)
        for group, tables in groups.items()
        for name, table in tables.items()
    }


def _text(table: ibis.Table, dialect: str) -> str:
    """Pretty SQL without what chance decides: names of tables held in memory, the order of columns left out."""
    sql = spark_sql(table) if dialect == "pyspark" else str(ibis.to_sql(table, dialect=dialect))
    numbers: dict[str, str] = {}
    sql = _IN_MEMORY.sub(lambda found: numbers.setdefault(found[0], f"in_memory_{len(numbers) + 1}"), sql)
    return _LEFT_OUT.sub(lambda found: f"{found[1]} ({', '.join(sorted(found[2].split(', ')))})", sql) + ";\n"


def main() -> None:
    """Write all snapshots anew; what is no longer made goes."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    for dialect in DIALECTS:
        for name, text in make_snapshots(dialect).items():
            path = FOLDER / dialect / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
