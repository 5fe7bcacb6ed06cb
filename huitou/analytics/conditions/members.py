"""From a condition to its members: each source of facts is passed over once, whatever number of leaves ask of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import ibis

from huitou.analytics.conditions.event_rows import bounded
from huitou.analytics.conditions.facts import SOURCES, Facts
from huitou.analytics.conditions.leaf import Columns, Leaf, Own, Summed
from huitou.analytics.conditions.moment import Moment
from huitou.analytics.conditions.tree import All, AnyOf, Condition, Not, leaves_of

# Sources that are passed over once for all leaves together; the others are small.
_LONG = ("events", "orders", "lines")


@dataclass(frozen=True)
class _Asked:
    """One leaf with its number, which names its columns."""

    number: int
    leaf: Leaf
    asks: Columns | Summed | Own

    def column(self, name: str) -> str:
        return name if isinstance(self.asks, Columns) else f"leaf{self.number}_{name}"

    @property
    def names(self) -> tuple[str, ...]:
        if isinstance(self.asks, Columns):
            return ("person_id", *self.asks.names)
        return tuple(self.asks.measures) if isinstance(self.asks, Summed) else self.asks.columns


def compile_members(condition: Condition, facts: Facts, moment: Moment) -> ibis.Table:
    """The customers who meet a condition.

    Parameters
    ----------
    condition
        From `parse_condition`.
    facts
        The lake by customer.
    moment
        The instant and the zone. Events from the instant on are not looked at; features and orders must be as of it.

    Returns
    -------
    Table
        `person_id`, one row per customer.

    Raises
    ------
    ConditionError
        A leaf can be asked about one customer only.
    """
    asked = [_Asked(number, leaf, leaf.asks(moment)) for number, leaf in enumerate(leaves_of(condition))]
    musts = {id(leaf) for leaf in _musts(condition)}
    table = _base(facts, [a for a in asked if isinstance(a.asks, Columns)])
    settled: set[int] = set()
    for source in SOURCES:
        own = [a for a in asked if isinstance(a.asks, Summed) and a.asks.source == source]
        for one in own:
            # Whoever has a row is in, everybody else out: nothing has to be counted.
            simple = id(one.leaf) in musts and isinstance(one.asks, Summed) and one.asks.exists
            if simple and (source not in _LONG or len(own) == 1):
                table = table.semi_join(_looked_at(facts, source, [one], moment), "person_id")
                settled.add(id(one.leaf))
        own = [a for a in own if id(a.leaf) not in settled]
        if own:
            table = _joined(table, _summed(facts, source, own, moment), own, musts)
    for one in asked:
        if isinstance(one.asks, Own):
            built = one.asks.build(facts)
            columns = {one.column(name): built[name] for name in one.asks.columns}
            table = _joined(table, built.select("person_id", **columns), [one], musts)
    by_leaf = {id(a.leaf): a for a in asked if id(a.leaf) not in settled}
    return table.filter(_met(condition, table, by_leaf, moment)).select("person_id")


def _musts(condition: Condition) -> list[Leaf]:
    """Leaves that every member meets: those that stand in no any and in no not."""
    if isinstance(condition, All):
        return [leaf for part in condition.parts for leaf in _musts(part)]
    return [condition] if isinstance(condition, Leaf) else []


def _base(facts: Facts, asked: Sequence[_Asked]) -> ibis.Table:
    columns = sorted({name for a in asked for name in a.names} | {"person_id"})
    features = facts.features.select(*columns)
    return features if facts.customers is None else features.semi_join(facts.customers, "person_id")


def _summed(facts: Facts, source: str, asked: Sequence[_Asked], moment: Moment) -> ibis.Table:
    """One row per customer with any row that some leaf looks at: the measures of all of them."""
    asks = [a.asks for a in asked if isinstance(a.asks, Summed)]
    rows = _looked_at(facts, source, asked, moment)
    if len(asks) == 1:
        flags: list[ibis.Value | None] = [None]
    else:
        looked_at = {a.column("looked_at"): ask.match(rows) for a, ask in zip(asked, asks, strict=True)}
        # Rows that nobody looks at are few within the bounds: leaving them out would judge every property twice.
        rows = rows.mutate(**looked_at)
        flags = [rows[name] for name in looked_at]
    measures = {
        a.column(name): measure(rows, flag)
        for a, ask, flag in zip(asked, asks, flags, strict=True)
        for name, measure in ask.measures.items()
    }
    return rows.group_by("person_id").aggregate(**measures)


def _looked_at(facts: Facts, source: str, asked: Sequence[_Asked], moment: Moment) -> ibis.Table:
    """Rows of a source that leaves may look at: exactly those, if it is one leaf."""
    asks = [a.asks for a in asked if isinstance(a.asks, Summed)]
    rows = facts.source(source)
    if source == "events":
        rows = bounded(rows, asks, moment)
    return rows.filter(asks[0].match(rows)) if len(asks) == 1 else rows


def _joined(table: ibis.Table, found: ibis.Table, asked: Sequence[_Asked], musts: set[int]) -> ibis.Table:
    """Customers with what was found about them; those that a leaf cannot be met by are left out at once."""
    must = any(id(a.leaf) in musts and isinstance(a.asks, Summed | Own) and a.asks.needed for a in asked)
    if must:
        return table.inner_join(found, "person_id")
    return table.left_join(found, "person_id").drop("person_id_right")


def _met(condition: Condition, table: ibis.Table, by_leaf: dict[int, _Asked], moment: Moment) -> ibis.Value:
    if isinstance(condition, Not):
        # Empty means no; in all, any and the filter it does by itself.
        return ~_met(condition.part, table, by_leaf, moment).fill_null(False)
    if isinstance(condition, All | AnyOf):
        parts = [_met(part, table, by_leaf, moment) for part in condition.parts]
        if not parts:
            return ibis.literal(True)
        return ibis.and_(*parts) if isinstance(condition, All) else ibis.or_(*parts)
    asked = by_leaf.get(id(condition))
    if asked is None:
        return ibis.literal(True)
    values = {name: table[asked.column(name)] for name in asked.names}
    return condition.met(values, moment)
