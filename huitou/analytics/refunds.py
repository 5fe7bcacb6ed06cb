"""Refund lines matched to the sale lines they took back, set-wise.

A refund that names its order takes that order's lines of the same product first, whoever bought. What is left
of it, and every other refund of a known person, takes the person's latest earlier line of the same product that
still has unrefunded quantity, then the one before; a sale at the same instant counts as earlier. Refunds are
processed in time order. Since the latest unrefunded unit goes first, sales and refunds of one product nest like
parentheses: a sale opens depths, a refund closes them from the top, and at any one depth they alternate.
"""

from __future__ import annotations

from typing import Any, Protocol

import ibis

# Quantities have four decimals; whole ten-thousandths keep every comparison exact on every engine.
_SCALE = 10_000
_REFUND = ("r_source", "r_order_id", "r_line_no")
_SALE = ("s_source", "s_order_id", "s_line_no")
_PART = (*_REFUND, *_SALE, "sold_at", "units", "step")


class Workspace(Protocol):
    """Where computed tables live: an engine."""

    def keep(self, name: str, expression: ibis.Table) -> ibis.Table:
        """The result, computed once and readable many times."""
        ...

    def publish(self, name: str, expression: ibis.Table) -> ibis.Table:
        """The same for a declared lake table, in its declared columns and types, under its name."""
        ...


def match_refunds(refunds: ibis.Table, sales: ibis.Table, space: Workspace) -> ibis.Table:
    """Parts of refund lines with the sale lines they belong to.

    Parameters
    ----------
    refunds, sales
        Lines of fct_order_lines of that kind, latest versions, unpaid and cancelled ones left out.
    space
        Where intermediate tables go.

    Returns
    -------
    Table
        One row per part of one refund line: the line's columns, `part_no` from 1, `units` (ten-thousandths of a
        piece), `part_minor`, and `sale_source`, `sale_order_id`, `sale_line_no`, empty where nothing matched.
        The last one is also empty where a refund names an order that has no such line.
    """
    returned = space.keep("refund_lines", refunds.mutate(units=_units(refunds.quantity)))
    touched = space.keep("refundable_lines", _refundable(returned, sales))
    named = space.keep("refunds_named", _match_named(returned, touched))
    left_refunds = _left(returned, named, _REFUND)
    left_sales = _left(touched, named, _SALE)
    latest = space.keep("refunds_latest", _match_latest(left_refunds, left_sales))
    matched = named.union(latest)
    money_only = _match_money_only(returned, touched)
    rest = _rest(returned, matched.union(money_only), sales)
    return _split(returned, matched.union(money_only).union(rest))


def _units(quantity: ibis.Value) -> ibis.Value:
    return (quantity * _SCALE).round().cast("int64")


def _refundable(returned: ibis.Table, sales: ibis.Table) -> ibis.Table:
    """Sale lines that some refund could take, with `units`."""
    by_order = returned.filter(returned.refund_of.notnull()).select(
        source="source", order_id="refund_of", sku="sku", by_order=True
    )
    by_person = returned.filter(returned.person_id.notnull()).select(person_id="person_id", sku="sku", by_person=True)
    found = sales.left_join(by_order.distinct(), ["source", "order_id", "sku"], rname="{name}_o")
    found = found.left_join(by_person.distinct(), ["person_id", "sku"], rname="{name}_p")
    found = found.filter(found.by_order.notnull() | found.by_person.notnull())
    return found.select(
        "source", "order_id", "line_no", "person_id", "sku", "occurred_at", units=_units(found.quantity)
    )


def _cumulated(lines: ibis.Table, group: list[str], order: list[object]) -> ibis.Table:
    """Each line with the stretch (low, high] of units that it covers within its group."""
    high = lines.units.sum().over(group_by=group, order_by=order, rows=(None, 0))
    return lines.mutate(high=high).mutate(low=lambda t: t.high - t.units)


def _match_named(returned: ibis.Table, touched: ibis.Table) -> ibis.Table:
    """Refunds that name an order, against that order's lines of the product, latest line first."""
    asked = returned.filter(returned.refund_of.notnull(), returned.units > 0)
    asked = _cumulated(asked, ["source", "refund_of", "sku"], [asked.occurred_at, asked.order_id, asked.line_no])
    given = touched.filter(touched.units > 0)
    given = _cumulated(given, ["source", "order_id", "sku"], [given.occurred_at.desc(), given.line_no.desc()])
    pairs = asked.select(
        r_source="source", r_order_id="order_id", r_line_no="line_no", named="refund_of", sku="sku", a="low", b="high"
    ).inner_join(
        given.select(
            s_source="source",
            s_order_id="order_id",
            s_line_no="line_no",
            s_sku="sku",
            sold_at="occurred_at",
            c="low",
            d="high",
        ),
        [("r_source", "s_source"), ("named", "s_order_id"), ("sku", "s_sku")],
    )
    units = ibis.least(pairs.b, pairs.d) - ibis.greatest(pairs.a, pairs.c)
    return pairs.mutate(units=units, step=ibis.literal(1, "int8")).filter(units > 0).select(*_PART)


def _left(lines: ibis.Table, parts: ibis.Table, key: tuple[str, ...]) -> ibis.Table:
    """Lines of known persons with the units that `parts` have not taken, where any are left."""
    taken = parts.group_by(list(key)).aggregate(taken=parts.units.sum())
    joined = lines.left_join(taken, [("source", key[0]), ("order_id", key[1]), ("line_no", key[2])])
    left = joined.mutate(units=joined.units - joined.taken.fill_null(0))
    return left.filter(left.units > 0, left.person_id.notnull()).select(
        "source", "order_id", "line_no", "person_id", "sku", "occurred_at", "units"
    )


def _match_latest(refunds: ibis.Table, sales: ibis.Table) -> ibis.Table:
    """Refunds against the person's latest earlier lines of the product that still have units."""
    group = ["person_id", "sku"]
    asked = refunds.select(*group).distinct()
    steps = sales.mutate(is_refund=False).union(refunds.mutate(is_refund=True)).semi_join(asked, group)
    order = [steps.occurred_at, steps.is_refund, steps.source, steps.order_id, steps.line_no]
    steps = steps.mutate(
        position=ibis.row_number().over(group_by=group, order_by=order),
        change=steps.is_refund.ifelse(-steps.units, steps.units),
    )
    # A refund never takes more than is there: the balance is the running sum lifted by its lowest point below zero.
    so_far: dict[str, Any] = {"group_by": group, "order_by": "position", "rows": (None, 0)}
    steps = steps.mutate(total=steps.change.sum().over(**so_far))
    steps = steps.mutate(lowest=ibis.least(steps.total.min().over(**so_far), 0))
    steps = steps.mutate(after=steps.total - steps.lowest)
    before = steps.after.lag(1).over(group_by=group, order_by="position").fill_null(0)
    steps = steps.mutate(low=ibis.least(before, steps.after), high=ibis.greatest(before, steps.after))
    steps = steps.filter(steps.high > steps.low)

    # Cut every stretch of depth at all depths where any begins or ends; within one slice sales and refunds alternate.
    depths = steps.select(*group, depth="low").union(steps.select(*group, depth="high"), distinct=True)
    slices = depths.mutate(top=depths.depth.lead(1).over(group_by=group, order_by="depth"))
    slices = slices.filter(slices.top.notnull())
    cut = steps.inner_join(slices, [*group, steps.low <= slices.depth, steps.high >= slices.top])
    slice_: dict[str, Any] = {"group_by": [*group, "depth"], "order_by": "position"}
    names = dict(zip(_SALE, ("source", "order_id", "line_no"), strict=True)) | {"sold_at": "occurred_at"}
    cut = cut.mutate(**{mine: cut[theirs].lag(1).over(**slice_) for mine, theirs in names.items()})
    pairs = cut.filter(cut.is_refund)
    parts = pairs.group_by(
        r_source="source", r_order_id="order_id", r_line_no="line_no", **{c: c for c in (*_SALE, "sold_at")}
    ).aggregate(units=(pairs.top - pairs.depth).sum())
    return parts.mutate(step=ibis.literal(2, "int8")).select(*_PART)


def _match_money_only(returned: ibis.Table, touched: ibis.Table) -> ibis.Table:
    """Refunds of money without goods, given to the latest line of the product in the order that they name."""
    asked = returned.filter(returned.refund_of.notnull(), returned.units == 0)
    newest = ibis.row_number().over(
        group_by=["source", "order_id", "sku"], order_by=[touched.occurred_at.desc(), touched.line_no.desc()]
    )
    lines = touched.mutate(newest=newest)
    lines = lines.filter(lines.newest == 0).select(
        s_source="source", s_order_id="order_id", s_line_no="line_no", s_sku="sku", sold_at="occurred_at"
    )
    pairs = asked.select(
        r_source="source", r_order_id="order_id", r_line_no="line_no", named="refund_of", sku="sku"
    ).inner_join(lines, [("r_source", "s_source"), ("named", "s_order_id"), ("sku", "s_sku")])
    return pairs.mutate(units=ibis.literal(0, "int64"), step=ibis.literal(1, "int8")).select(*_PART)


def _rest(returned: ibis.Table, parts: ibis.Table, sales: ibis.Table) -> ibis.Table:
    """What no line took: kept with the order that it names, if there is one, else with nothing."""
    taken = parts.group_by(list(_REFUND)).aggregate(taken=parts.units.sum())
    joined = returned.left_join(taken, [("source", "r_source"), ("order_id", "r_order_id"), ("line_no", "r_line_no")])
    left = joined.filter(joined.taken.isnull() | (joined.taken < joined.units))
    left = left.select("source", "order_id", "line_no", "refund_of", units=left.units - left.taken.fill_null(0))
    wanted = left.filter(left.refund_of.notnull()).select("source", order_id="refund_of").distinct()
    orders = sales.semi_join(wanted, ["source", "order_id"]).select("source", "order_id").distinct()
    orders = orders.select(s_source="source", s_order_id="order_id")
    found = left.left_join(orders, [("source", "s_source"), ("refund_of", "s_order_id")])
    return found.select(
        r_source="source",
        r_order_id="order_id",
        r_line_no="line_no",
        s_source="s_source",
        s_order_id="s_order_id",
        s_line_no=ibis.null("int32"),
        sold_at=ibis.null(returned.occurred_at.type()),
        units=found.units,
        step=ibis.literal(3, "int8"),
    )


def _quotient(numerator: ibis.Value, divisor: ibis.Value) -> ibis.Value:
    """Exact whole quotient of non-negative integers: dividing an exact multiple has no fraction to lose."""
    return ((numerator - numerator % divisor) / divisor).round()


def _split(returned: ibis.Table, parts: ibis.Table) -> ibis.Table:
    """Number the parts of each line and split its money over them by units, rounded half up, adding up exactly."""
    joined = returned.rename(line_units="units").inner_join(
        parts, [("source", "r_source"), ("order_id", "r_order_id"), ("line_no", "r_line_no")]
    )
    line = ["source", "order_id", "line_no"]
    order = [
        joined.step,
        joined.sold_at.desc(),
        joined.s_source.desc(),
        joined.s_order_id.desc(),
        joined.s_line_no.desc(),
    ]
    numbered = joined.mutate(
        part_no=(ibis.row_number().over(group_by=line, order_by=order) + 1).cast("int32"),
        reached=joined.units.sum().over(group_by=line, order_by=order, rows=(None, 0)),
    )
    # amount * reached / units without ever forming the large product.
    whole = ibis.greatest(numbered.line_units, 1)
    each, odd = _quotient(numbered.amount_minor, whole), numbered.amount_minor % whole
    half = _quotient(whole, ibis.literal(2, "int64"))
    share = each * numbered.reached + _quotient(odd * numbered.reached + half, whole)
    numbered = numbered.mutate(money=(numbered.reached == numbered.line_units).ifelse(numbered.amount_minor, share))
    earlier = numbered.money.lag(1).over(group_by=line, order_by="part_no").fill_null(0)
    return numbered.mutate(part_minor=numbered.money - earlier).select(
        *returned.drop("units").columns,
        "part_no",
        "units",
        "part_minor",
        sale_source="s_source",
        sale_order_id="s_order_id",
        sale_line_no="s_line_no",
    )
