"""Conditions asked of the lake as of any instant: one snapshot, everything in it cut at the same instant."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

import ibis
import pyarrow as pa

from huitou.accounts.queries import get_brand
from huitou.analytics.conditions import Condition, Facts, Moment, among, compile_members, read_facts
from huitou.analytics.engines import Engine
from huitou.analytics.tables import TABLES
from huitou.core.models import RefreshRun
from huitou.orders.queries import features_as_of, get_last_refresh, open_engine_of
from huitou.segments import membership
from huitou.segments.mirroring import MIRRORED, rows_as_of
from huitou.segments.ordering import SEGMENT, Node, in_order, standing_nodes
from huitou.segments.where import segments_in


@dataclass
class Asking:
    """An open snapshot in which conditions are asked. Segments that it does not hold are computed where asked for."""

    engine: Engine
    facts: Facts
    moment: Moment
    run: RefreshRun
    current: bool

    def members(self, condition: Condition) -> ibis.Table:
        """`person_id` of everybody for whom the condition holds."""
        return compile_members(condition, self._with(segments_in(condition)), self.moment)

    def segment(self, name: str) -> ibis.Table:
        """Rows of int_segment_members of one segment."""
        rows = self._with([name]).segments
        return rows.filter(rows.segment == name)

    def among(self, customers: ibis.Table) -> Asking:
        """The same, asked of some customers (`person_id`) only."""
        return replace(self, facts=among(self.facts, customers))

    def _with(self, names: Collection[str]) -> Facts:
        """Facts with the members of these segments as their versions of today say, at the snapshot's instant."""
        missing = self._needed(names)
        if not missing:
            return self.facts
        told = membership.members_told(self.engine.table(membership.CHANGES), self.moment.as_of)
        before = self.facts.segments if self.current else self.engine.keep("members_told", told)
        done = {node.key for node in missing}
        rows = before.filter(before.segment.notin([name for _kind, name in done]))
        tables, facts = [rows], self.facts
        for node in in_order({node.key: node for node in missing}):
            found = membership.members_of_node(node, facts, self.moment)
            rows = membership.entered(found, node.name, before, self.moment.as_of)
            tables.append(self.engine.keep(f"asked_{node.source}", rows))
            facts = membership.with_segments(facts, tables, self.engine)
        return facts

    def _needed(self, names: Collection[str]) -> list[Node]:
        """Segments, with those that they ask about, that the snapshot does not hold as they are now."""
        if not names:
            return []
        nodes = {name: node for (kind, name), node in standing_nodes().items() if kind == SEGMENT}
        counted = self.run.detail.get("steps", {}).get("segments", {}).get("versions", {}) if self.current else {}
        found: dict[str, Node] = {}
        waiting = [name for name in names if name in nodes]
        while waiting:
            node = nodes[waiting.pop()]
            if node.name in found or (counted.get(node.name) == node.number and not self._is_stale(node, nodes)):
                continue
            found[node.name] = node
            waiting += [name for kind, name in node.needs if kind == SEGMENT and name in nodes]
        return list(found.values())

    def _is_stale(self, node: Node, nodes: dict[str, Node]) -> bool:
        """Whether something that the segment asks about has changed since it was counted."""
        counted = self.run.detail["steps"]["segments"]["versions"]
        below = [nodes[name] for kind, name in node.needs if kind == SEGMENT and name in nodes]
        return any(counted.get(n.name) != n.number or self._is_stale(n, nodes) for n in below)


@contextmanager
def asking(as_of: datetime | None = None) -> Iterator[Asking]:
    """Ask as of an instant, by default that of the last refresh. Raises NotRefreshedError before the first.

    For another instant features, orders, tags, consent, identifiers, dates and segments are those of then; segments
    by their definitions of today.
    """
    run, brand = get_last_refresh(), get_brand()
    with open_engine_of(run) as engine:
        if as_of is None or as_of == run.as_of:
            yield Asking(engine, read_facts(engine), Moment(run.as_of, brand.zone), run, True)
            return
        features = engine.keep("features_asked", features_as_of(engine, as_of))
        for table in MIRRORED:
            engine.provide(table, rows_as_of(table, as_of, is_now=as_of > run.as_of))
        facts = replace(read_facts(engine), features=features)
        yield Asking(engine, facts, Moment(as_of, brand.zone), run, False)


@contextmanager
def asking_of(customer_ids: Sequence[int], now: datetime) -> Iterator[Asking]:
    """Ask about some customers at this moment: features and facts of the last refresh, and tags, consent, identifiers
    and dates as PostgreSQL has them now."""
    run, brand = get_last_refresh(), get_brand()
    with open_engine_of(run) as engine:
        for table in MIRRORED:
            engine.provide(table, rows_as_of(table, now, is_now=True, customers=customer_ids))
        asked = Asking(engine, read_facts(engine), Moment(max(now, run.as_of), brand.zone), run, True)
        yield asked.among(some_customers(engine, customer_ids))


def some_customers(engine: Engine, customer_ids: Sequence[int]) -> ibis.Table:
    """`person_id` of these customers as a table."""
    # The one declared table that holds nothing but numbers of persons; conditions do not read it.
    schema = TABLES["dim_persons"].schema
    ids = pa.array(sorted(set(customer_ids)), pa.int64())
    rows = pa.table([ids, pa.nulls(len(ids), schema.field("known_since").type)], schema=schema)
    return engine.provide("dim_persons", rows).select("person_id")
