"""The facts as metrics see them: purchases, sales and refunds, cut by dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

OCCASIONS = ("order", "day")
UNKNOWN = "unknown"


def keys(dims: Sequence[str]) -> list[str]:
    """Column names that hold the values of `dims`, in their order."""
    return [f"dim{i}" for i in range(len(dims))]


@dataclass(frozen=True)
class Facts:
    """One consistent view of the lake, as of one instant.

    orders, categories, refunds, attributes : tables int_orders, int_order_categories, int_refunds and
        dim_person_attributes
    occasion : order, or day: orders of one customer and one day are one purchase
    visits : one row or more per day on which an identified person visited (person_id, day), or None where visits
        are not known
    interactions : the same for days on which a person did anything but buy; None where no metric asks for it
    touches : `touches.touches_until`, one row per message that was meant for a customer; None where no metric asks
    """

    orders: ibis.Table
    categories: ibis.Table
    refunds: ibis.Table
    attributes: ibis.Table
    occasion: str = "order"
    visits: ibis.Table | None = None
    interactions: ibis.Table | None = None
    touches: ibis.Table | None = None

    def purchases(self, dims: Sequence[str] = ()) -> ibis.Table:
        """One row per purchase and combination of `dims` it belongs to: dim columns, person_id, paid_at, day.

        Whether an order is a purchase is judged on the whole order; under a category stand all purchases that
        contain it. With occasion day a customer's purchases of one day (and one combination) are one, at the
        first one's instant; anonymous purchases are never joined.
        """
        by = keys(dims)
        rows = self._cut(self.orders.filter(self.orders.is_purchase), dims)
        columns = [*by, "person_id", "paid_at", "day"]
        if self.occasion == "order":
            return rows.select(*columns)
        known = rows.filter(rows.person_id.notnull())
        joined = known.group_by([*by, "person_id", "day"]).aggregate(paid_at=known.paid_at.min()).select(*columns)
        return stack(joined, rows.filter(rows.person_id.isnull()).select(*columns))

    def known_purchases(self, dims: Sequence[str] = ()) -> ibis.Table:
        """`purchases` of identified customers."""
        rows = self.purchases(dims)
        return rows.filter(rows.person_id.notnull())

    def first_purchases(self, dims: Sequence[str] = ()) -> ibis.Table:
        """One row per identified customer (and combination): first_at and first_purchase_day, of all time."""
        rows = self.known_purchases(dims)
        return rows.group_by([*keys(dims), "person_id"]).aggregate(
            first_at=rows.paid_at.min(), first_purchase_day=rows.day.min()
        )

    def sequence(self, dims: Sequence[str] = ()) -> ibis.Table:
        """`known_purchases` with previous_paid_at and purchase_no within customer and combination.

        Purchases at one instant may stand in any order: no figure depends on which of them comes first.
        """
        by = keys(dims)
        if self.occasion == "order" and all(dim.startswith("attribute.") for dim in dims):
            # The materialised sequence is the same one: attributes cut between customers, never inside one.
            rows = self._cut(self.orders.filter(self.orders.is_purchase & self.orders.person_id.notnull()), dims)
            return rows.select(*by, "person_id", "paid_at", "day", "purchase_no", "previous_paid_at")
        rows = self.known_purchases(dims)
        window = ibis.window(group_by=[*by, "person_id"], order_by=["paid_at", "day"])
        return rows.mutate(
            purchase_no=(ibis.row_number() + 1).over(window).cast("int32"),
            previous_paid_at=rows.paid_at.lag().over(window),
        )

    def sales(self, dims: Sequence[str] = ()) -> ibis.Table:
        """One row per sale that counts for money: dim columns, source, order_id, person_id, paid_at, day, amount_minor.

        Wholly refunded orders are in (their refund takes them out on its own day), excluded ones are not. Under a
        category stands the amount of its own lines.
        """
        rows = self._cut(self.orders.filter(~self.orders.is_excluded), dims)
        return rows.select(*keys(dims), "source", "order_id", "person_id", "paid_at", "day", "amount_minor")

    def money_back(self, dims: Sequence[str] = ()) -> ibis.Table:
        """One row per part of a refund: dim columns, person_id, day, amount_minor (a magnitude), sale_at and sale_day.

        A matched refund belongs to the buyer of its sale, even if the refund itself names nobody; unmatched ones
        have no sale_at and sale_day.
        """
        sold = self.orders.select(
            sold_source="source", sold_id="order_id", buyer="person_id", sale_at="paid_at", sale_day="day"
        )
        back = self.refunds.filter(~self.refunds.is_excluded)
        rows = back.left_join(sold, [back.sale_source == sold.sold_source, back.sale_order_id == sold.sold_id])
        rows = rows.mutate(person_id=rows.sale_at.notnull().ifelse(rows.buyer, rows.person_id))
        for key, dim in zip(keys(dims), dims, strict=True):
            rows = self._attribute(rows, key, dim) if dim.startswith("attribute.") else _value(rows, key, dim)
        return rows.select(*keys(dims), "person_id", "day", "amount_minor", "sale_at", "sale_day")

    def revenue(self, dims: Sequence[str] = ()) -> ibis.Table:
        """Signed money by day: dim columns, person_id, day, amount_minor (negative for refunds)."""
        sales, back = self.sales(dims), self.money_back(dims)
        columns = [*keys(dims), "person_id", "day", "amount_minor"]
        negative = back.mutate(amount_minor=-back.amount_minor)
        return stack(sales.select(*columns), negative.select(*columns))

    def visits_by_day(self, dims: Sequence[str] = ()) -> ibis.Table | None:
        """Days on which identified persons visited: dim columns, person_id, day; None where visits are not known,
        or not by `dims` (a visit has no channel, store or category)."""
        if self.visits is None or not all(dim.startswith("attribute.") for dim in dims):
            return None
        return self._of_persons(self.visits, dims)

    def interactions_by_day(self, dims: Sequence[str] = ()) -> ibis.Table:
        """Days on which persons did anything but buy: dim columns (attributes only), person_id, day."""
        assert self.interactions is not None, "the metric says that it uses interactions"
        return self._of_persons(self.interactions, dims)

    def meant_touches(self, dims: Sequence[str] = ()) -> ibis.Table:
        """Messages that were meant for customers: dim columns (message_channel, source, attributes), person_id, day of
        the plan, reached_at, is_reached, is_in_time, is_clicked."""
        assert self.touches is not None, "the metric says that it uses touches"
        rows = self.touches
        for key, dim in zip(keys(dims), dims, strict=True):
            rows = self._attribute(rows, key, dim) if dim.startswith("attribute.") else _value(rows, key, dim)
        return rows.select(*keys(dims), "person_id", "day", "reached_at", "is_reached", "is_in_time", "is_clicked")

    def _of_persons(self, rows: ibis.Table, dims: Sequence[str]) -> ibis.Table:
        for key, dim in zip(keys(dims), dims, strict=True):
            rows = self._attribute(rows, key, dim)
        return rows.select(*keys(dims), "person_id", "day")

    def extent(self) -> ibis.Table:
        """One row: `first_at` and `last_at`, between which the order facts lie; empty where there are none."""
        times = stack(self.orders.select(at=self.orders.paid_at), self.refunds.select(at=self.refunds.refunded_at))
        return times.aggregate(first_at=times["at"].min(), last_at=times["at"].max())

    def _cut(self, orders: ibis.Table, dims: Sequence[str]) -> ibis.Table:
        """`orders` with the dim columns; an order stands once per category it holds, with that category's amount."""
        rows = orders
        if "category" in dims:
            parts = self.categories.select("source", "order_id", "category", part_minor="amount_minor")
            joined = rows.inner_join(parts, ["source", "order_id"])
            rows = joined.mutate(amount_minor=joined.part_minor).drop("part_minor")
        for key, dim in zip(keys(dims), dims, strict=True):
            rows = self._attribute(rows, key, dim) if dim.startswith("attribute.") else _value(rows, key, dim)
        return rows

    def _attribute(self, rows: ibis.Table, key: str, dim: str) -> ibis.Table:
        name = dim.removeprefix("attribute.")
        values = self.attributes.filter(self.attributes.attribute == name)
        values = values.select(attribute_person=values.person_id, attribute_value=values.value)
        joined = rows.left_join(values, rows.person_id == values.attribute_person)
        return joined.mutate(**{key: joined.attribute_value.fill_null(UNKNOWN)}).drop(
            "attribute_person", "attribute_value"
        )


def _value(rows: ibis.Table, key: str, dim: str) -> ibis.Table:
    column: ir.StringColumn = rows[dim]
    return rows.mutate(**{key: column.fill_null(UNKNOWN)})


def stack(*tables: ibis.Table) -> ibis.Table:
    """The rows of all tables, which have the same columns; whether a column may be empty need not agree."""
    schema = {name: kind.copy(nullable=True) for name, kind in tables[0].schema().items()}
    return ibis.union(*[table.cast(schema) for table in tables]) if len(tables) > 1 else tables[0]


def merge_measures(by: Sequence[str], *parts: tuple[ibis.Table, Sequence[str]]) -> ibis.Table:
    """Tables with different measures but the same keys `by`, as one row per key: missing measures are 0.

    A union and one sum instead of outer joins: each part may have several rows per key.
    """
    names = [name for _, measures in parts for name in measures]
    tables = []
    for table, measures in parts:
        missing = {name: ibis.literal(0, "int64") for name in names if name not in measures}
        present = {name: table[name].cast("int64") for name in measures}
        filled = table.mutate(**{**present, **missing})
        tables.append(filled.select(*by, *names))
    stacked = stack(*tables)
    return stacked.group_by(list(by)).aggregate(**{name: stacked[name].sum() for name in names})
