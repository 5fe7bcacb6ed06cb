"""Conditions asked of many past instants from one snapshot: orders as they are known today, cut at each instant.

The answer for one instant that is exact to what was known then (`segments.queries`) computes every order anew; here
refunds that came later count already, which makes a month of looks affordable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

import ibis

from huitou.accounts.models import Brand
from huitou.accounts.queries import get_brand
from huitou.analytics.conditions import Condition, Facts, Moment, compile_members, leaves_of, read_facts
from huitou.analytics.conditions.kinds.consent import ConsentLeaf
from huitou.analytics.conditions.kinds.date import DateLeaf
from huitou.analytics.conditions.kinds.feature import FeatureLeaf
from huitou.analytics.conditions.kinds.identifier import IdentifierLeaf
from huitou.analytics.conditions.kinds.segment import SegmentLeaf
from huitou.analytics.conditions.kinds.tag import TagLeaf
from huitou.analytics.conditions.kinds.trigger import TriggerLeaf
from huitou.analytics.conditions.tree import All, AnyOf, Not
from huitou.analytics.engines import Engine
from huitou.analytics.feature import Moment as FeatureMoment
from huitou.analytics.feature import build_features, category_names, interaction_cuts
from huitou.analytics.orders import customers_of, known_customers
from huitou.analytics.person_days import Span, done_events, events_span, person_days_from_facts
from huitou.analytics.rebuild import find_links
from huitou.analytics.rules import Thresholds
from huitou.orders.queries import open_engine
from huitou.segments.evaluating import asking
from huitou.segments.ordering import SEGMENT, Node, standing_nodes
from huitou.segments.queries import read_where
from huitou.segments.where import segments_in

_ALL: Mapping[str, Any] = {"all": []}
_KEPT = 40
_CHANGING = (ConsentLeaf, DateLeaf, IdentifierLeaf, SegmentLeaf, TagLeaf, TriggerLeaf)


@dataclass
class History:
    """The last refresh, open for looks at earlier instants."""

    engine: Engine
    brand: Brand
    facts: Facts
    links: ibis.Table | None
    _members: dict[tuple[str, datetime], frozenset[int]] = field(default_factory=dict)

    def members_at(self, condition: Mapping[str, Any] | None, at: datetime) -> frozenset[int]:
        """Every customer who met the condition at an instant; all of them without one."""
        key = (repr(condition), at)
        if key not in self._members:
            if len(self._members) >= _KEPT:
                self._members.pop(next(iter(self._members)))
            self._members[key] = self._find(read_where(condition or _ALL), at)
        return self._members[key]

    def _find(self, condition: Condition, at: datetime) -> frozenset[int]:
        if segments_in(condition):
            condition = spell_out(condition)
        if segments_in(condition):
            with asking(at) as ask:
                found = ask.engine.to_pyarrow(ask.members(condition))
        else:
            members = compile_members(
                condition, self._facts_at(at, _features_in(condition)), Moment(at, self.brand.zone)
            )
            found = self.engine.to_pyarrow(members)
        return frozenset(found["person_id"].to_pylist())

    def _facts_at(self, at: datetime, only: set[str]) -> Facts:
        cut = ibis.literal(at)
        orders, categories = self.engine.table("int_orders"), self.engine.table("int_order_categories")
        orders = orders.filter(orders.paid_at < cut)
        categories = categories.filter(categories.paid_at < cut)
        buyers = orders.filter(orders.person_id.notnull()).select("person_id").distinct()
        features = build_features(
            customers=known_customers(buyers, self.engine.table("dim_persons"), at, self.links),
            orders=orders,
            categories=categories,
            names=category_names(categories),
            days=lambda: self._days_at(at),
            moment=FeatureMoment(at, Thresholds.from_json(self.brand.thresholds)),
            only=only,
        )
        lines = self.facts.lines
        return replace(self.facts, features=features, orders=orders, lines=lines.filter(lines.paid_at < cut))

    def _days_at(self, at: datetime) -> ibis.Table:
        days = person_days_from_facts(self.engine, at, self.brand.zone, interaction_cuts(at), span=self._span)
        return customers_of(days, self.links)

    @cached_property
    def _span(self) -> Span:
        return events_span(self.engine, done_events(self.engine.table("fct_events")))

    def purchases(self, since: datetime, until: datetime) -> list[tuple[int, datetime]]:
        """Customer and instant of every purchase in [since, until), by time."""
        orders = self.engine.table("int_orders")
        found = orders.filter(
            orders.is_purchase, orders.person_id.notnull(), orders.paid_at >= since, orders.paid_at < until
        )
        rows = self.engine.to_pyarrow(found.select("person_id", "paid_at").order_by(["paid_at", "person_id"]))
        return list(zip(rows["person_id"].to_pylist(), rows["paid_at"].to_pylist(), strict=True))

    def events(self, name: str, since: datetime, until: datetime) -> list[dict[str, Any]]:
        """Rows of fct_events of that name in [since, until), by time; `properties` is JSON text."""
        events = self.facts.events
        rows = events.filter(events.name == name, events.occurred_at >= since, events.occurred_at < until)
        rows = rows.filter(rows.person_id.notnull())
        wanted = rows.select("person_id", "event_id", "occurred_at", "received_at", "properties")
        found: list[dict[str, Any]] = self.engine.to_pyarrow(wanted.order_by(["occurred_at", "event_id"])).to_pylist()
        return found

    def customer_count(self) -> int:
        """How many customers there are now."""
        table = self.facts.features
        return int(self.engine.to_pyarrow(table.aggregate(n=table.count()))["n"][0].as_py())


def spell_out(condition: Condition, _nodes: Mapping[tuple[str, str], Node] | None = None) -> Condition:
    """The condition with what segments ask in the place of their names, by their definitions of today.

    Asking a segment of an earlier instant computes every order and feature anew for each look. A name stays where it is
    asked since when somebody is a member, or where the segment asks of what changes outside the facts: tags, consent,
    identifiers and dates.
    """
    nodes = standing_nodes() if _nodes is None else _nodes
    match condition:
        case All(parts):
            return All(tuple(spell_out(part, nodes) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(spell_out(part, nodes) for part in parts))
        case Not(part):
            return Not(spell_out(part, nodes))
        case SegmentLeaf(segments, None) if all((SEGMENT, name) in nodes for name in segments):
            told = AnyOf(tuple(spell_out(nodes[SEGMENT, name].condition, nodes) for name in segments))
            return condition if any(isinstance(leaf, _CHANGING) for leaf in leaves_of(told)) else told
    return condition


def _features_in(condition: Condition) -> set[str]:
    return {leaf.feature.kind for leaf in leaves_of(condition) if isinstance(leaf, FeatureLeaf)}


@contextmanager
def open_history() -> Iterator[History]:
    """The last refresh, open for looks back. Raises NotRefreshedError before the first refresh."""
    with open_engine() as engine:
        yield History(engine, get_brand(), read_facts(engine), find_links(engine))
